/* What the programs that try the postgres driver on a real server share: a client of their own
 * beside the driver's, and the driver's calls with failures that end the test. POSTGRES_URL
 * names a database in which the user may make tables and end sessions; everything is made in a
 * schema of its own. Without it there is nothing to test, and the run fails. */
#ifndef DRAWBRIDGE_TESTS_CONTRACT_SERVER_H
#define DRAWBRIDGE_TESTS_CONTRACT_SERVER_H

#include "drivers/postgres/internal.h"
#include "drivers/registry.h"

#include <setjmp.h> /* cmocka.h needs these four before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern PGconn *admin;
extern const char *url;
extern double interrupt_at_ms; /* the host is interrupted from then on; 0: never */
enum { LOGGED_BYTES = 65536 };
extern char logged[LOGGED_BYTES]; /* what the sessions logged: statement|error|notices|counts */
extern const struct option_spec *const option_tables[];

struct found {             /* by keep_schema() */
    struct schema *schema; /* the last one */
    int count;
};

double now_ms(void);
void run(const char *sql);
long ask(const char *sql); /* one number */
/* Nothing of ours runs. The end of a snapshot is not waited for, so it may take a moment. */
void assert_left_alone(void);

/* words: options, NULL-ended; NULL: none. */
enum status open_with(
        const char *where, const char *const *words, struct session **out, struct error *err);
struct session *open_session(const char *const *words);
enum status keep_schema(void *context, struct schema *schema);
struct schema *describe(
        struct session *session, const char *table); /* in schema wire; presented */

struct query all_columns(const struct schema *schema);
struct scan *start(struct session *session, const struct query *query);
struct scan *start_query(struct session *session, const char *sql);
/* Reads to the end or the first failure, which stays in err. */
int64_t drain(struct scan *scan, enum status *status, struct error *err);
int64_t count_rows(struct session *session, const struct schema *schema);

/* Schema wire anew, with 20,000 rows in t. For cmocka. */
int set_up(void **state);
/* What main() returns. */
int server_run(const char *name, const struct CMUnitTest *tests, size_t count);

#endif
