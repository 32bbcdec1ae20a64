/* What every case of the contract needs: one open session of the driver under test, and calls
 * that must go well. */
#ifndef DRAWBRIDGE_TESTS_CONTRACT_SUPPORT_H
#define DRAWBRIDGE_TESTS_CONTRACT_SUPPORT_H

#include "drivers/driver.h"
#include "drivers/registry.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROWS = 2500 }; /* of contract_items */

extern struct target target;
extern const struct driver *driver;
extern struct session *session;
extern struct options server_set, table_set;
extern bool interrupted; /* what host.interrupted answers */
extern int logged;       /* statements that host.logged was told of */

struct found {
    struct schema *schema;
    int count;
    char names[4096];
};

/* The driver of remote_url(), its options, and the second client of remote.h. */
void choose_driver(void);
void leave_driver(void);
/* What main() returns. */
#define run_cases(tests, set_up, tear_down)                                                    \
    run_named_cases(                                                                           \
            __FILE__, (tests), sizeof(tests) / sizeof((tests)[0]), (set_up), (tear_down))
int run_named_cases(const char *name, const struct CMUnitTest *tests, size_t count,
        CMFixtureFunction set_up, CMFixtureFunction tear_down);

/* Does the driver claim it? Then its slots are there. */
bool can(enum driver_capability capability);
/* Is the database, on which remote_run() acts, a PostgreSQL? */
bool on_postgres(void);
void must(enum status status, const struct error *err);
void must_fail(enum status status, enum status wanted, struct error *err);
struct session *open_session(void);
enum status keep_schema(void *context, struct schema *schema);
struct schema *describe(const char *table);
struct query ask_all(const struct schema *schema);
struct scan *start(const struct query *query);
int64_t next(struct scan *scan, struct batch *batch);
int64_t drain(struct scan *scan);
int64_t count_rows(const struct query *query);
void still_usable(void);
struct judgement judge(const struct schema *schema, struct condition condition,
        const struct value *values, size_t count, struct arena *arena);

#endif
