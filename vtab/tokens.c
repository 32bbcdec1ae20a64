/* SQLite's tokens, roughly: comments and blanks are passed over, quotes respected. */
#include "vtab/tokens.h"

#include "base/sqlite.h"

#include <string.h>

static bool is_word_part(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '$' || (c & 0x80) != 0;
}

static const char *skip_to(const char *at, const char *end) {
    const char *found = strstr(at, end);

    return found != NULL ? found + strlen(end) : at + strlen(at);
}

static const char *skip_blanks(const char *at) {
    for (;;) {
        at += strspn(at, " \t\r\n\f");
        if (strncmp(at, "--", 2) == 0) {
            at = skip_to(at, "\n");
        } else if (strncmp(at, "/*", 2) == 0) {
            at = skip_to(at + 2, "*/");
        } else {
            return at;
        }
    }
}

static char closing_quote(char c) {
    return (char)(c == '[' ? ']' : c == '"' || c == '\'' || c == '`' ? c : '\0');
}

/* A doubled quote stands for itself, but not in brackets. */
static const char *skip_quoted(const char *at, char close) {
    for (at++; *at != '\0'; at++) {
        if (*at != close) {
            continue;
        }
        if (close == ']' || at[1] != close) {
            return at + 1;
        }
        at++;
    }
    return at;
}

bool tokens_next(struct tokens *tokens) {
    const char *at = skip_blanks(tokens->at);
    char close = closing_quote(*at);

    tokens->start = at;
    tokens->is_name = close != '\0' || is_word_part(*at);
    if (close != '\0') {
        at = skip_quoted(at, close);
    } else if (is_word_part(*at)) {
        while (is_word_part(*at)) {
            at++;
        }
    } else if (*at != '\0') {
        tokens->depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
        at++;
    }
    tokens->length = (size_t)(at - tokens->start);
    tokens->at = at;
    return tokens->length > 0;
}

bool tokens_is(const struct tokens *tokens, const char *keyword) {
    return tokens->length == strlen(keyword) &&
           sqlite3_strnicmp(tokens->start, keyword, (int)tokens->length) == 0;
}

bool tokens_names(const struct tokens *tokens, const char *name) {
    char close = closing_quote(tokens->start[0]);
    const char *at = tokens->start + 1, *end = tokens->start + tokens->length - 1;

    if (!tokens->is_name || tokens->length == 0) {
        return false;
    }
    if (close == '\0') {
        return tokens_is(tokens, name);
    }
    for (; at < end; at++, name++) {
        if (*name == '\0' || sqlite3_strnicmp(at, name, 1) != 0) {
            return false;
        }
        at += *at == close && close != ']';
    }
    return *name == '\0';
}
