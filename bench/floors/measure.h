/* What every measured C program of the benchmark shares: one timed run per line "go" on its
 * standard input, one line of JSON per run on its output. bench/harness/worker.py is the other
 * end; a worker in another language speaks the same lines. */
#ifndef DRAWBRIDGE_BENCH_MEASURE_H
#define DRAWBRIDGE_BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

struct run {
    int64_t start_ns; /* set before the run is called */
    double first_ms;  /* until the first row was there; see run_row() */
    int64_t rows;
    uint64_t sum; /* of all integer values, modulo 2^64: the same for the same answer */
};

/* The keys of every case, in this order: the first `count` of them are distinct below keys_max.
 */
struct keys {
    const char *prefix; /* in front of the number; NULL: the key is a number */
    int64_t keys_max;
    int64_t repeat; /* executions in one run */
};

/* Runs once; false: said on standard error why not. */
typedef bool (*run_function)(void *context, struct run *);

int64_t clock_ns(void);

/* Counts a row, and notes when the first one came. */
void run_row(struct run *);

/* The number of key `i`, from 1 to keys_max. */
int64_t keys_number(const struct keys *, int64_t i);
/* The text of key `i`: valid until the next call. */
const char *keys_text(const struct keys *, int64_t i);

/* A number on the command line; ends the program when it is none. */
int64_t number_argument(const char *text);

/* Says on standard error what failed; false, for the caller to return. */
bool complain(const char *what, const char *why);

/* Answers "go" after "go" until the input ends; gives the exit status. */
int measure_serve(run_function, void *context);

#endif
