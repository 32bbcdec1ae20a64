/* Is a value stored as it was sent? A document tells no precision, so that numeric(9,2) takes
 * 1.255 and rounds it, as timestamp(0) does fractions of seconds. What the postgres driver
 * refuses beforehand is found out here from the rows that come back: too late to undo it, but
 * never unsaid. A value that is something else altogether was made so by the server, a trigger
 * perhaps, and is none of ours; of an array nobody can tell that, and it is said. Pure. */
#include "drivers/postgrest/write.h"

#include "drivers/postgres/types.h"

#include <stdlib.h>
#include <string.h>

enum { OID_TIMETZ = 1266, OID_INTERVAL = 1186, OID_JSON = 114, OID_JSONB = 3802 };

/* Elements of these types are stored as they are sent (blanks at the end of char(n) do not
 * count), or refused; others are bent to what their type holds: a double, a date in its own
 * form. */
static bool bends_elements(const struct pr_column *facts) {
    static const uint32_t exact[] = { PG_TYPE_INT2, PG_TYPE_INT4, PG_TYPE_INT8, PG_TYPE_BOOL,
        PG_TYPE_TEXT, PG_TYPE_VARCHAR, PG_TYPE_BPCHAR, OID_JSON, OID_JSONB };
    bool known = facts->pg.type_schema[0] != '\0';

    for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]) && known; i++) {
        if (exact[i] == facts->pg.element_oid) {
            return false;
        }
    }
    return true;
}

bool pr_may_round(const struct pr_column *facts) {
    static const uint32_t types[] = { PG_TYPE_NUMERIC, PG_TYPE_TIMESTAMP, PG_TYPE_TIMESTAMPTZ,
        PG_TYPE_TIME, OID_TIMETZ, OID_INTERVAL };

    if (facts->raw && facts->pg.element_oid != 0) {
        return bends_elements(facts);
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i] == facts->pg.type_oid) {
            return facts->pg.typmod < 0;
        }
    }
    return false;
}

/* ---- numbers ------------------------------------------------------------------------------
 */

/* A decimal where it stands: "-12.50", "1e22". */
struct number {
    const char *digits; /* the point among them */
    int64_t whole, count, exponent;
    bool negative;
};

static int64_t count_digits(const char *at, const char *end) {
    const char *first = at;

    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at - first;
}

static bool read_number(const struct pr_member *member, struct number *n) {
    enum { EXPONENT_BYTES_MAX = 8 };
    const char *at = member->value, *end = at + member->value_length;
    char exponent[EXPONENT_BYTES_MAX + 1] = "";

    n->negative = at < end && *at == '-';
    at += n->negative;
    n->digits = at;
    n->whole = count_digits(at, end);
    n->count = n->whole;
    at += n->whole;
    if (at < end && *at == '.') {
        n->count += count_digits(at + 1, end);
        at += 1 + n->count - n->whole;
    }
    if (at < end && (*at == 'e' || *at == 'E') && end - at <= EXPONENT_BYTES_MAX) {
        memcpy(exponent, at + 1, (size_t)(end - at) - 1);
        at = end;
    }
    n->exponent = strtol(exponent, NULL, 10);
    return n->count > 0 && at == end;
}

/* The digit that counts tens to this power. */
static int digit_at(const struct number *n, int64_t power) {
    int64_t index = n->whole - 1 - (power - n->exponent);

    if (index < 0 || index >= n->count) {
        return 0;
    }
    return n->digits[index + (index >= n->whole)] - '0';
}

static int64_t highest_power(const struct number *a, const struct number *b) {
    int64_t left = a->whole + a->exponent, right = b->whole + b->exponent;

    return left > right ? left : right;
}

static int64_t lowest_power(const struct number *n) {
    return n->exponent - (n->count - n->whole);
}

/* Down to which power a number is told: 12.50 to hundredths, 1200 to hundreds. */
static int64_t told_power(const struct number *n) {
    int64_t power = lowest_power(n), top = n->whole + n->exponent;

    while (n->count == n->whole && power < top && digit_at(n, power) == 0) {
        power++;
    }
    return power == top ? lowest_power(n) : power; /* a mere 0 */
}

/* What became of the number where digits below this power are cut, and the last one rounded. */
static bool is_rounded_to(
        const struct number *sent, const struct number *stored, int64_t power) {
    int64_t top = highest_power(sent, stored);
    int carry = digit_at(sent, power - 1) >= 5;

    for (; power <= top; power++) {
        int digit = digit_at(sent, power) + carry;

        carry = digit == 10;
        if (digit % 10 != digit_at(stored, power)) {
            return false;
        }
    }
    return true;
}

static enum pr_kept compare_numbers(
        const struct pr_member *sent, const struct pr_member *stored) {
    struct number a, b;
    int64_t lowest;

    if (!read_number(sent, &a) || !read_number(stored, &b)) {
        return PR_KEPT; /* NaN and Infinity, which nothing rounds */
    }
    lowest = lowest_power(&a) < lowest_power(&b) ? lowest_power(&a) : lowest_power(&b);
    if (is_rounded_to(&a, &b, lowest)) {
        return PR_KEPT;
    }
    return is_rounded_to(&a, &b, told_power(&b)) ? PR_ROUNDED : PR_ANOTHER;
}

/* ---- times --------------------------------------------------------------------------------
 */

enum { MINUTE_US = 60 * 1000 * 1000, SECOND_US = 1000 * 1000 };

/* The seconds of "12:30:01.5" within a minute, which no zone changes. -1: there are none. */
static int64_t read_seconds(const struct pr_member *member) {
    const char *at = member->value, *end = at + member->value_length;
    int64_t sum = 0;

    for (int colons = 0; colons < 2; colons++) {
        at = memchr(at, ':', (size_t)(end - at));
        if (at == NULL) {
            return -1;
        }
        at++;
    }
    for (int64_t unit = (int64_t)10 * SECOND_US; at < end && unit > 0; at++) {
        if (*at >= '0' && *at <= '9') {
            sum += unit * (*at - '0');
            unit /= 10;
        } else if (*at != '.') {
            break;
        }
    }
    return sum;
}

static enum pr_kept compare_times(
        const struct pr_member *sent, const struct pr_member *stored) {
    int64_t a = read_seconds(sent), b = read_seconds(stored), unit = SECOND_US, apart;

    if (a < 0 || b < 0 || a == b) {
        return PR_KEPT;
    }
    while (b % unit != 0) {
        unit /= 10;
    }
    apart = (a - b + MINUTE_US) % MINUTE_US;
    apart = apart < MINUTE_US - apart ? apart : MINUTE_US - apart;
    return a % unit != 0 && 2 * apart <= unit ? PR_ROUNDED : PR_ANOTHER;
}

/* ---- arrays -------------------------------------------------------------------------------
 */

/* A string, a number, or a bracket, comma or word as it is; of no bytes at the end. */
static struct pr_member next_token(const char **at, const char *end) {
    static const char blank[] = " \t\r\n", ends[] = "[], \t\r\n";
    struct pr_member token = { .kind = PR_NULL };
    const char *first;

    while (*at < end && memchr(blank, **at, sizeof(blank) - 1) != NULL) {
        ++*at;
    }
    first = *at;
    if (first < end && *first == '"') {
        for (++*at; **at != '"'; ++*at) {
            token.value_escaped |= **at == '\\';
            *at += **at == '\\';
        }
        ++*at;
        token.kind = PR_STRING;
        token.value = first + 1;
        token.value_length = (size_t)(*at - first) - 2;
        return token;
    }
    while (*at < end && memchr(ends, **at, sizeof(ends) - 1) == NULL) {
        ++*at;
    }
    *at += *at == first && first < end;
    token.kind = first < end && (*first == '-' || (*first >= '0' && *first <= '9')) ? PR_NUMBER
                                                                                    : PR_NULL;
    token.value = first;
    token.value_length = (size_t)(*at - first);
    return token;
}

static bool same_string(
        const struct pr_member *a, const struct pr_member *b, struct text *scratch) {
    size_t room = a->value_length + b->value_length, left = 0, right = 0;

    text_truncate(scratch, 0);
    text_append_bytes(scratch, a->value, a->value_length); /* for its room */
    text_append_bytes(scratch, b->value, b->value_length);
    return scratch->length == room &&
           pr_unescape(a->value, a->value_length, scratch->data, &left) &&
           pr_unescape(b->value, b->value_length, scratch->data + left, &right) &&
           left == right && memcmp(scratch->data, scratch->data + left, left) == 0;
}

static bool same_token(
        const struct pr_member *a, const struct pr_member *b, struct text *scratch) {
    if (a->kind != b->kind) {
        return false;
    }
    if (a->value_length == b->value_length &&
            memcmp(a->value, b->value, a->value_length) == 0) {
        return true;
    }
    return a->kind == PR_NUMBER ? compare_numbers(a, b) == PR_KEPT
                                : a->kind == PR_STRING && same_string(a, b, scratch);
}

/* As jsonb compares them, which the postgres driver asks the server for. */
static enum pr_kept compare_arrays(
        const struct pr_member *sent, const struct pr_member *stored, struct text *scratch) {
    const char *a = sent->value, *b = stored->value;
    const char *a_end = a + sent->value_length, *b_end = b + stored->value_length;
    struct pr_member left, right;

    do {
        left = next_token(&a, a_end);
        right = next_token(&b, b_end);
        if (!same_token(&left, &right, scratch)) {
            return PR_ROUNDED;
        }
    } while (left.value < a_end && right.value < b_end);
    return PR_KEPT;
}

/* ---- rows ---------------------------------------------------------------------------------
 */

static const struct pr_member *find_member(struct pr_writer *writer, const char *name,
        const struct pr_member *members, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (pr_member_is(&members[i], name, &writer->scratch)) {
            return &members[i];
        }
    }
    return NULL;
}

static enum pr_kept compare(const struct column *column, const struct pr_member *sent,
        const struct pr_member *stored, struct text *scratch) {
    const struct pr_column *facts = column->driver_data;

    if (sent == NULL || stored == NULL || sent->kind == PR_NULL || stored->kind == PR_NULL) {
        return PR_KEPT;
    }
    if (facts->raw) {
        return compare_arrays(sent, stored, scratch);
    }
    switch (facts->pg.type_oid) {
    case PG_TYPE_NUMERIC:
        return compare_numbers(sent, stored);
    case OID_INTERVAL:
        return pr_compare_intervals(sent, stored);
    default:
        return compare_times(sent, stored);
    }
}

/* The row of the request that this one came from; an UPDATE has one for all. */
static bool next_sent(struct pr_writer *writer, size_t *count) {
    bool update = writer->kind == CHANGE_UPDATE;
    struct pr_page_reader one = { PR_AT_FIRST }, *reader = update ? &one : &writer->kept_reader;
    size_t start = update ? 0 : writer->kept, used = 0;
    enum pr_step step =
            pr_read_row(reader, text_get(&writer->body) + start, writer->body.length - start,
                    writer->sent_members, writer->member_max, count, &used);

    writer->kept += used;
    return step == PR_STEP_ROW;
}

/* One value that came back. */
struct finding {
    const struct column *column;
    struct pr_member sent, stored;
};

static enum pr_kept compare_row(struct pr_writer *writer, size_t sent_count,
        const struct pr_member *members, size_t member_count, struct finding *finding) {
    const struct schema *schema = writer->base.schema;
    enum pr_kept worst = PR_KEPT;

    for (size_t i = 0; i < schema->column_count && worst != PR_ROUNDED; i++) {
        const struct column *column = &schema->columns[i];
        const struct pr_member *sent, *stored;

        if (!writer->states[i] || !pr_may_round(column->driver_data)) {
            continue;
        }
        sent = find_member(writer, column->remote_name, writer->sent_members, sent_count);
        stored = find_member(writer, column->remote_name, members, member_count);
        switch (compare(column, sent, stored, &writer->scratch)) {
        case PR_ROUNDED:
            *finding = (struct finding){ column, *sent, *stored };
            worst = PR_ROUNDED;
            break;
        case PR_ANOTHER:
            worst = PR_ANOTHER;
            break;
        default:
            break;
        }
    }
    return worst;
}

static enum status tell(
        const struct pr_writer *writer, const struct finding *finding, struct error *err) {
    enum { SHOWN_MAX = 64 };
    size_t stored = finding->stored.value_length, sent = finding->sent.value_length;
    bool array = ((const struct pr_column *)finding->column->driver_data)->raw;

    error_set(err, STATUS_REMOTE,
            "column \"%s\" of table \"%s\" keeps %s sent: %.*s is stored where %.*s was meant",
            finding->column->name, writer->base.schema->remote_name,
            array ? "another value than was" : "fewer digits than were",
            (int)(stored < SHOWN_MAX ? stored : SHOWN_MAX), finding->stored.value,
            (int)(sent < SHOWN_MAX ? sent : SHOWN_MAX), finding->sent.value);
    error_explain(err, NULL, NULL,
            array ? "The rows are written. Elements have to be given as they are shown."
                  : "The rows are written. Say columns.TABLE='... numeric(9,2)', and such "
                    "values are refused before they are sent.");
    return STATUS_REMOTE;
}

/* Rows come back in the order they were sent in; where the server leaves out those in conflict,
 * the next one that fits is taken. */
enum status pr_check_kept(struct pr_writer *writer, const struct pr_member *members,
        size_t member_count, struct error *err) {
    const struct pr_page_reader reader = writer->kept_reader;
    bool leaves_out = writer->conflict != NULL && writer->conflict->nothing, rounded = false;
    struct finding finding;
    size_t kept = writer->kept, count = 0;

    while (writer->rounds && next_sent(writer, &count)) {
        enum pr_kept found = compare_row(writer, count, members, member_count, &finding);

        rounded = rounded || found == PR_ROUNDED;
        if (found == PR_KEPT || !leaves_out) {
            return found == PR_ROUNDED ? tell(writer, &finding, err) : STATUS_OK;
        }
    }
    writer->kept_reader = reader;
    writer->kept = kept;
    return rounded ? tell(writer, &finding, err) : STATUS_OK;
}
