/* The wire: a session, and requests on it in the order they were sent.
 *
 * libpq works in pipeline mode and never blocks. A request is one or more commands and a Sync
 * of its own, so that its failure ends with it; whoever sent it holds it until
 * pg_request_drop(). Requests form a queue. Waiting for one reads all answers in order and
 * leaves them with their requests, so several scans may each have a request under way. A
 * request that was dropped before its answer came stays in the queue and is read and forgotten.
 *
 * Round trips are counted by dependence, not by the clock: an answer's trip is one more than
 * the newest trip whose answer had been read when its request was sent. What is sent together
 * is one trip, and so is what was sent ahead while something else was being read. Waiting for n
 * trips costs at least (n - 1) times the network's latency, whatever the timing. */
#ifndef DRAWBRIDGE_DRIVERS_POSTGRES_WIRE_H
#define DRAWBRIDGE_DRIVERS_POSTGRES_WIRE_H

#include "drivers/postgres/internal.h"

struct pg_request {
    struct pg_request *next;
    struct pg_session *session;
    bool held;            /* by whoever sent it; otherwise the answer is thrown away */
    bool done;            /* nothing more will come */
    bool lost;            /* done because the session broke */
    size_t command_count; /* sent */
    size_t answered;      /* commands whose results have ended */
    bool brief;           /* the server has nothing to do for it: nobody needs to stop it */
    bool guarded;         /* by a savepoint: its failure does not end the snapshot for others */
    bool undo;            /* that savepoint must be rolled back to */
    bool settled;         /* pg_settings_enter() has put the settings into it */
    bool settles;         /* they are its first command, whose row nobody wants */
    PGresult *result;     /* of the last command, or the last one that gave rows; owned */
    PGresult *second;     /* rows of one more command, where both are wanted; owned */
    PGresult *failure;    /* the first command's that failed; owned */
    bool both;            /* keep the first rows in result, those behind them in second */
    int64_t trip;         /* the session's newest when it was sent */
    double sent_ms;       /* when */
    double waited_ms;     /* spent in sending and in waiting for it */
    int64_t bytes;        /* of its results */
    int64_t affected;     /* rows, by all its commands together */
    int64_t selected;     /* rows that its SELECTs gave */
    int64_t uneven;       /* of its commands that tell, how many did not affect just one */

    /* A COPY: copy_wire.c, copy_in.c. It is alone in the queue. */
    bool copy;
    bool feeds;             /* FROM STDIN */
    bool feeding;           /* the server waits for more of its bytes */
    bool copying;           /* its messages are coming */
    bool cut;               /* some of them are lost */
    char *message;          /* libpq's: the one being read */
    struct pg_spill *spill; /* those that were put aside; NULL: none had to be */
};

enum {
    PG_NOTICES_BYTES_MAX = 8192,
    PG_PARAMETERS_MAX = 65535, /* of the protocol */
    CANCEL_ANSWER_MS = 1000,
    STATEMENT_GRACE_MS = 500, /* what the server may take to end a statement by itself, */
    STATEMENT_CANCEL_MS = 500 /* and then when it is told to */
};

/* One that SQLite opened. Those at the top of the stack need not have been sent yet. */
struct pg_savepoint {
    int level;
    unsigned serial; /* its remote name */
    bool sent;
};

/* What must be sent before the next statement. */
struct pg_step {
    bool release;    /* else: rolled back to */
    unsigned serial; /* the savepoint's */
};

/* One that writes; see transaction.c. */
struct pg_transaction {
    bool writes; /* between begin with writes and its end */
    enum isolation isolation;
    bool sent;  /* BEGIN was */
    bool wrote; /* a statement that may write was sent */
    unsigned serial;
    struct pg_savepoint *savepoints;
    size_t savepoint_count, savepoint_capacity;
    struct pg_step *steps;
    size_t step_count, step_capacity;
    struct pg_request *identity; /* asked for; NULL: not yet, or answered */
    char id[24];                 /* the server's number for it; "": not known */
    char server[32];             /* which run of the server gave it */
};

struct pg_session {
    struct session base;
    PGconn *connection; /* NULL once broken */
    struct pg_request *first, *last;
    struct error lost;   /* why it broke */
    struct error spoilt; /* what ended the snapshot under all who share it */
    char *place; /* what it was connected by: for a second one that asks what became of this */
    int64_t connect_timeout_ms;
    int64_t statement_timeout_ms; /* 0: the server's own alone */
    double deadline_ms;           /* while opening; 0: no wait has an end of its own */
    struct text notices;          /* since the last record of bridge_log */
    bool utf8, sql_ascii;         /* what server_encoding says */
    bool stats_readable;          /* pg_stats may be read */
    bool reads_only;        /* what does not say READ WRITE: by settings.c, as a snapshot */
    bool statement_timeout; /* a statement must not last as long as the host takes to read */

    char *settings;     /* the statement that makes them all; see settings.c */
    const char *pooler; /* the option, while opening */
    bool shared;        /* by a pooler's other clients: nothing outlives a transaction */
    struct pg_request *discarded, *reset; /* of pg_reset(); NULL: nothing to wait for */
    bool user_sql_before;                 /* since the last reset */

    unsigned cursor_serial;
    bool interleaved; /* a COPY had to make way: its program reads several results at once */
    int open_scans;
    struct pg_scan *scans; /* the open ones */
    int64_t undone;        /* failures whose savepoint was rolled back to */
    uint64_t proven;       /* hash of the last statement that has worked; see scan.c */

    struct pg_prepared *prepared; /* prepared.h: the one used last comes first */
    unsigned prepared_serial;

    unsigned definition_serial; /* of its prepared statement: another for each attempt */
    bool definition_prepared;
    double snapshot_began_ms; /* tells it from every other one */
    double held_since_ms;     /* the same, or later in it: no lock was given up since */
    unsigned spins_missed;    /* waits awake that were in vain, in a row: wait.c */
    bool snapshot_wanted;     /* pg_begin() was called, or a scan runs without it */
    bool snapshot_open;       /* BEGIN was sent */
    bool snapshot_own;        /* wanted by a scan alone: over with the last one */
    bool snapshot_lone; /* it is a single request's: no BEGIN was sent, no COMMIT is due */
    bool user_sql;      /* a statement of the user's may have changed settings: roll back */
    int64_t idle_ms;
    struct pg_transaction transaction;
    int64_t idle_set_ms; /* what the session has without SET LOCAL */
};

static inline struct pg_session *pg_session_from(struct session *session) {
    return (struct pg_session *)
            session; /* ensured by the registry: one driver, one session kind */
}

/* ---- wire.c -------------------------------------------------------------------------------
 */

/* STATUS_LOST with the reason when the session is broken, or belongs to a parent process. */
enum status pg_session_check(struct pg_session *, struct error *);
/* Marks it broken, closes the socket, ends all requests. Returns status. The first reason
 * stays. */
enum status pg_session_break(
        struct pg_session *, enum status, const char *reason, struct error *);

enum status pg_request_create(struct pg_session *, struct pg_request **out, struct error *);
/* One command; types may be NULL. Not sent before pg_request_send(). */
struct pg_command {
    const char *sql;
    const char *const *values;
    const Oid *types;
    const int *lengths, *formats;
    size_t count;
    bool binary;   /* the form of its result */
    bool prepared; /* sql is the name that pg_request_prepare() gave */
};
enum status pg_request_add(struct pg_request *, const struct pg_command *, struct error *);
enum status pg_request_add_text(struct pg_request *, const char *sql, struct error *);
enum status pg_request_prepare(
        struct pg_request *, const char *name, const char *sql, struct error *);
enum status pg_request_describe(struct pg_request *, const char *sql, struct error *);
/* Puts the Sync behind the commands and as much as goes on the wire. */
enum status pg_request_send(struct pg_request *, struct error *);
/* Until it is done. An error of the server's is not a failure of waiting: see request->failure.
 */
enum status pg_request_wait(struct pg_request *, struct error *);
/* Waits, and gives request->failure as an error. generated: as for pg_result_error(). */
enum status pg_request_finish(struct pg_request *, bool generated, struct error *);
void pg_request_drop(struct pg_request *); /* accepts NULL */

/* Reads what has come, without waiting. */
enum status pg_session_read(struct pg_session *, struct error *);
/* The same, and notices also when nothing is awaited that the server has gone. */
enum status pg_session_look(struct pg_session *, struct error *);
double pg_now_ms(void);
/* One slice of waiting for more. A host that wants no more: cancels, STATUS_CANCELLED. */
struct pg_wait {
    double asked_ms; /* when the host was last asked, or waiting began */
    double heard_ms; /* when something came last, or waiting began */
    int64_t bytes_in;
};
/* An answer came, or will not. The quickest of all tells best how far away the server is: a
 * machine with much to do answers late now and then. */
static inline void pg_request_note_wait(
        struct pg_request *request, double start_ms, double now_ms) {
    struct session *session = &request->session->base;

    request->waited_ms += now_ms - start_ms;
    if (request->done && !request->lost && now_ms - request->sent_ms < session->latency_ms) {
        session->latency_ms = now_ms - request->sent_ms;
    }
}

static inline struct pg_wait pg_wait_begin(const struct pg_session *session, double now_ms) {
    return (struct pg_wait){
        .asked_ms = now_ms, .heard_ms = now_ms, .bytes_in = session->base.counts.bytes_in
    };
}
enum status pg_session_wait(struct pg_session *, struct pg_wait *, struct error *);
/* A call of libpq failed: breaks the session, with libpq's own reason. */
enum status pg_session_failed(struct pg_session *, struct error *);
/* Waits for the socket to become readable, or writable where something is left to send. */
void pg_session_poll(struct pg_session *, int ms);

/* The parts of reading that copy_wire.c shares: one result of the oldest request (given), the
 * first sign of an answer, its end. */
void pg_request_take(struct pg_request *, PGresult *);
void pg_request_answered(struct pg_request *);
void pg_request_end(struct pg_request *);

/* ---- copy_wire.c --------------------------------------------------------------------------
 */

/* While the oldest request is a COPY: pg_session_read() for it. */
enum status pg_copy_read(struct pg_session *, struct error *);
/* Reads all that is left of it, or ends it where it takes bytes, so that the session can be
 * used. */
enum status pg_copy_out_of_the_way(struct pg_session *, struct error *);
struct pg_spill;
void pg_spill_destroy(struct pg_spill *); /* accepts NULL */

/* ---- copy_in.c ----------------------------------------------------------------------------
 */

/* No more bytes will come: without a reason (NULL) it was all, otherwise the server is to fail.
 * Does nothing unless it is feeding. */
void pg_copy_in_close(struct pg_request *, const char *why);

/* ---- cancel.c -----------------------------------------------------------------------------
 */

/* Tells the server to stop what it does and reads all answers; breaks the session when that
 * takes longer than CANCEL_ANSWER_MS. */
void pg_session_cancel(struct pg_session *);
/* statement_timeout_ms is over, and the server has not ended the statement: it is told to. One
 * that does not answer is given up. STATUS_TIMEOUT, err filled. */
enum status pg_session_time_out(struct pg_session *, struct error *err);

/* ---- connection.c -------------------------------------------------------------------------
 */

/* A record for bridge_log, with the notices that have gathered. */
void pg_log(struct pg_session *, const struct statement_record *);

void pg_notice_received(void *session, const PGresult *);

/* ---- settings.c ---------------------------------------------------------------------------
 */

/* Makes every setting, once; notes what the server says of itself. */
enum status pg_settings_open(struct pg_session *, const struct options *, struct error *);
/* Where the session is shared: the settings into a request whose transaction has begun. */
enum status pg_settings_enter(struct pg_session *, struct pg_request *, struct error *);

/* ---- connect.c ----------------------------------------------------------------------------
 */

/* Fills session->connection, within session->connect_timeout_ms. */
enum status pg_connect(struct pg_session *, const char *connection, struct error *);

/* ---- prepared.c ---------------------------------------------------------------------------
 */

void pg_prepared_clear(struct pg_session *); /* nothing is sent */

/* ---- snapshot.c ---------------------------------------------------------------------------
 */

/* The commands that must go before the first statement of a snapshot, into the same request. */
enum status pg_snapshot_enter(struct pg_session *, struct pg_request *, struct error *);
/* Its end, as the last command of the request that began it. Once that was answered the
 * snapshot is over: pg_snapshot_ended(). A failure before it leaves the end to pg_finish(). */
enum status pg_snapshot_end(struct pg_request *, struct error *);
/* Instead of both: the next request is a snapshot of its own, over with its answer whatever
 * that is. session->reads_only, and none is open. */
void pg_snapshot_be_lone(struct pg_session *);
void pg_snapshot_ended(struct pg_session *, bool worked);
/* The same as text in front of a COPY. What is appended must be sent. */
void pg_snapshot_append(struct pg_session *, struct text *sql);
/* Around the commands of one request, while other scans share the snapshot: a savepoint, and
 * its release. A failure between them is undone as soon as it is read. */
enum status pg_snapshot_guard(struct pg_session *, struct pg_request *, struct error *);
enum status pg_snapshot_release(struct pg_request *, struct error *);
void pg_snapshot_undo(struct pg_session *);
/* Whatever is still under way is stopped, and its answers are read. */
void pg_session_settle(struct pg_session *);

/* ---- transaction.c ------------------------------------------------------------------------
 */

const char *pg_transaction_begin_sql(const struct pg_session *);
/* The savepoints that wait, into the request of the next statement. */
enum status pg_transaction_enter(struct pg_session *, struct pg_request *, struct error *);
/* Behind the request of a statement that may write: what is needed to ask, after a lost COMMIT,
 * what became of it. */
enum status pg_transaction_wrote(struct pg_session *, struct error *);
void pg_transaction_clear(struct pg_transaction *); /* memory back */

/* ---- outcome.c ----------------------------------------------------------------------------
 */

/* COMMIT was sent on a session that is broken now. STATUS_OK: committed. hurry: the host was
 * told to stop already, or has waited for long enough. */
enum status pg_outcome_find(
        struct pg_session *, int64_t timeout_ms, bool hurry, struct error *);

/* ---- errors.c -----------------------------------------------------------------------------
 */

/* A failed result as an error. generated: the statement is this driver's own, so that an
 * unknown name in it means that the remote relation has changed. */
bool pg_result_is_aborted(const PGresult *); /* 25P02: refused, for another one's failure */
enum status pg_result_error(const PGresult *, bool generated, struct error *);
/* "Key (a, b)=(1, 2) already exists." -> "a,b", in whatever language; given, or NULL. */
char *pg_detail_columns(const char *detail);
/* Why there is no connection, from libpq's verbose text: words, SQLSTATE, hint. */
enum status pg_connect_error(const char *message, struct error *err);
/* libpq's message on one line, without its last newline. */
void pg_message_line(const char *message, char *line, size_t line_bytes);

#endif
