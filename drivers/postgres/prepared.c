/* Statements that the server keeps prepared, by their text: a lookup that comes again is not
 * parsed and planned again. A text is prepared when it comes for the second time, having worked
 * before; the one not used for longest makes room. */
#include "drivers/postgres/prepared.h"

#include <stdio.h>
#include <string.h>

enum { PREPARED_MAX = 64 };

static struct pg_prepared **prepared_place(struct pg_session *session, const char *sql) {
    uint64_t hash = text_hash(sql);
    struct pg_prepared **at = &session->prepared;

    while (*at != NULL && ((*at)->hash != hash || strcmp((*at)->sql, sql) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

static void prepared_destroy(struct pg_prepared *prepared) {
    memory_free(prepared->sql);
    memory_free(prepared);
}

struct pg_prepared *pg_prepared_find(struct pg_session *session, const char *sql) {
    struct pg_prepared **at = prepared_place(session, sql), *found = *at;

    if (found != NULL && found != session->prepared) { /* to the front */
        *at = found->next;
        found->next = session->prepared;
        session->prepared = found;
    }
    return found;
}

/* Nobody waits for it. When it cannot be sent, the server keeps one more than it should. */
static void prepared_deallocate(struct pg_session *session, unsigned serial) {
    struct pg_request *request = NULL;
    char sql[48];

    if (pg_request_create(session, &request, NULL) == STATUS_OK) {
        snprintf(sql, sizeof(sql), "DEALLOCATE drawbridge_%u", serial);
        if (pg_request_add_text(request, sql, NULL) == STATUS_OK) {
            pg_request_send(request, NULL);
        }
        pg_request_drop(request);
    }
}

static void prepared_make_room(struct pg_session *session) {
    struct pg_prepared **at = &session->prepared, *last;
    size_t count = 1;

    for (; *at != NULL && (*at)->next != NULL; at = &(*at)->next) {
        count++;
    }
    last = *at;
    if (last == NULL || count < PREPARED_MAX) {
        return;
    }
    *at = NULL;
    if (last->ready) {
        prepared_deallocate(session, last->serial);
    }
    prepared_destroy(last);
}

struct pg_prepared *pg_prepared_worked(struct pg_session *session, const char *sql) {
    struct pg_prepared *prepared = pg_prepared_find(session, sql);

    if (prepared != NULL) {
        prepared->ready = prepared->serial > 0;
        return prepared;
    }
    if (session->shared) {
        return NULL; /* the next transaction may be another connection's */
    }
    prepared_make_room(session);
    prepared = memory_alloc(sizeof(*prepared));
    if (prepared == NULL) {
        return NULL;
    }
    prepared->sql = memory_copy_text(sql);
    if (prepared->sql == NULL) {
        memory_free(prepared);
        return NULL;
    }
    prepared->hash = text_hash(sql);
    prepared->next = session->prepared;
    session->prepared = prepared;
    return prepared;
}

void pg_prepared_forget(struct pg_session *session, const char *sql) {
    struct pg_prepared **at = prepared_place(session, sql), *found = *at;

    if (found != NULL) {
        *at = found->next;
        prepared_destroy(found);
    }
}

void pg_prepared_clear(struct pg_session *session) {
    while (session->prepared != NULL) {
        struct pg_prepared *prepared = session->prepared;

        session->prepared = prepared->next;
        prepared_destroy(prepared);
    }
}

enum status pg_prepared_add(struct pg_request *request, struct pg_prepared *prepared,
        const struct pg_command *command, struct error *err) {
    struct pg_command named = *command;
    enum status status = STATUS_OK;

    if (prepared->serial == 0) { /* what became of an earlier attempt is not known */
        prepared->serial = ++request->session->prepared_serial;
        snprintf(prepared->name, sizeof(prepared->name), "drawbridge_%u", prepared->serial);
        status = pg_request_prepare(request, prepared->name, command->sql, err);
    }
    named.sql = prepared->name;
    named.prepared = true;
    return status == STATUS_OK ? pg_request_add(request, &named, err) : status;
}

/* What writes is not sent twice, so it has to be there: SQL of the user's may have taken
 * prepared statements away, and of an attempt that failed nobody knows how far it came. */
static struct pg_prepared *prepared_for_sure(struct pg_session *session, const char *sql) {
    struct pg_prepared *prepared = pg_prepared_find(session, sql);

    if (session->user_sql || session->user_sql_before) {
        return NULL;
    }
    if (prepared != NULL && prepared->serial > 0 && !prepared->ready) {
        pg_prepared_forget(session, sql);
        prepared = NULL;
    }
    return prepared;
}

enum status pg_prepared_add_text(
        struct pg_request *request, const char *sql, struct error *err) {
    struct pg_session *session = request->session;
    struct pg_prepared *prepared = session->transaction.writes ? prepared_for_sure(session, sql)
                                                               : pg_prepared_find(session, sql);
    struct pg_command command = { .sql = sql };

    return prepared != NULL ? pg_prepared_add(request, prepared, &command, err)
                            : pg_request_add(request, &command, err);
}
