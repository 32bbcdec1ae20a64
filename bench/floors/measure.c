/* The clock, the memory of this process, and the loop that answers the benchmark's harness. */
#include "bench/floors/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    KEY_STRIDE = 7919,
    LINE_BYTES_MAX = 256
}; /* a prime: neighbours are never asked in turn */

int64_t clock_ns(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void run_row(struct run *run) {
    if (run->rows == 0) {
        run->first_ms = (double)(clock_ns() - run->start_ns) / 1e6;
    }
    run->rows++;
}

int64_t keys_number(const struct keys *keys, int64_t i) {
    return 1 + i * KEY_STRIDE % keys->keys_max;
}

const char *keys_text(const struct keys *keys, int64_t i) {
    static char text[64];

    snprintf(text, sizeof text, "%s%" PRId64, keys->prefix != NULL ? keys->prefix : "",
            keys_number(keys, i));
    return text;
}

int64_t number_argument(const char *text) {
    char *end = NULL;
    int64_t number;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        fprintf(stderr, "not a number: \"%s\"\n", text);
        exit(2);
    }
    return number;
}

bool complain(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why != NULL ? why : "no reason given");
    return false;
}

/* A line of /proc/self/status in kB, 0 when it cannot be read. */
static long status_kb(const char *name) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[LINE_BYTES_MAX];
    long kb = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kb = strtol(line + strlen(name), NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kb;
}

/* So that VmHWM is the peak of the run that follows, not of the set-up before it. */
static void forget_peak(void) {
    FILE *file = fopen("/proc/self/clear_refs", "w");

    if (file != NULL) {
        fputs("5", file);
        fclose(file);
    }
}

static double cpu_ms(void) {
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

int measure_serve(run_function once, void *context) {
    char line[LINE_BYTES_MAX];
    long start_kb = status_kb("VmRSS:");

    printf("{\"ready\": true}\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct run run = { 0 };
        double cpu_before = cpu_ms(), ms;

        forget_peak();
        run.start_ns = clock_ns();
        if (!once(context, &run)) {
            return 1;
        }
        ms = (double)(clock_ns() - run.start_ns) / 1e6;
        printf("{\"ms\": %.6f, \"first_ms\": %.6f, \"cpu_ms\": %.3f, \"rows\": %" PRId64
               ", \"sum\": \"%" PRIu64 "\", \"mb\": %.2f}\n",
                ms, run.first_ms, cpu_ms() - cpu_before, run.rows, run.sum,
                (double)(status_kb("VmHWM:") - start_kb) / 1024);
        fflush(stdout);
    }
    return 0;
}
