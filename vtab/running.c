/* Looks at the statements of the connection that are under way; see running.h. */
#include "vtab/running.h"

#include <stddef.h>

static uint64_t mix(uint64_t hash, uint64_t number) {
    hash = (hash ^ number) * 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
}

/* A statement may stand where a finished one stood; the count of changes then differs, as soon
 * as that one changed anything. */
uint64_t running_signature(sqlite3 *db) {
    uint64_t hash = mix(1, (uint64_t)sqlite3_total_changes64(db));

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL;
            stmt = sqlite3_next_stmt(db, stmt)) {
        if (sqlite3_stmt_busy(stmt) && !sqlite3_stmt_readonly(stmt)) {
            hash = mix(hash, (uint64_t)(uintptr_t)stmt);
            hash = mix(hash, (uint64_t)sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_RUN, 0));
        }
    }
    return hash | 1; /* 0: of none */
}

bool running_writes(sqlite3 *db) {
    bool writes = false;

    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt != NULL && !writes;
            stmt = sqlite3_next_stmt(db, stmt)) {
        writes = sqlite3_stmt_busy(stmt) && !sqlite3_stmt_readonly(stmt);
    }
    return writes;
}
