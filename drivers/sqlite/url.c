/* URLs of SQLite databases, as SQLite's users and SQLAlchemy's write them. Pure.
 *
 *   sqlite:file.db  sqlite:/dir/file.db  sqlite:file:/dir/file.db     a path
 *   sqlite:///file.db  sqlite:////dir/file.db  sqlite+aiosqlite:///…  SQLAlchemy's: relative,
 * absolute sqlite:  sqlite::memory:  sqlite://  sqlite:///:memory:           memory */
#include "drivers/url.h"
#include "drivers/sqlite/internal.h"

#include <string.h>

enum { PATH_BYTES_MAX = 16 * 1024 };

/* Words that applications put into such URLs for Python's or SQLite's own sake. None changes
 * which rows a reader sees, save mode=memory, which sq_check_words() refuses. */
static const char *const foreign_words[] = { "mode", "cache", "immutable", "nolock", "psow",
    "uri", "timeout", "check_same_thread", "isolation_level", "detect_types",
    "cached_statements", "factory", "autocommit" };

static bool is_foreign_word(const char *word) {
    for (size_t i = 0; i < sizeof(foreign_words) / sizeof(foreign_words[0]); i++) {
        if (strcmp(word, foreign_words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Where the path begins; NULL when a host stands in its place. */
static const char *skip_authority(const char *place) {
    if (strncmp(place, "//", 2) != 0) {
        return place;
    }
    place += 2;
    if (*place == '/') {
        return place + 1; /* "///rel.db", "////abs.db" */
    }
    return *place == '\0' || *place == '?' ? place : NULL;
}

/* "file:rel.db", "file:/abs.db", "file:///abs.db": SQLite's own way to write a path. */
static const char *skip_file_scheme(const char *path) {
    if (strncmp(path, "file:", 5) != 0) {
        return path;
    }
    path += 5;
    return strncmp(path, "///", 3) == 0 ? path + 2 : path;
}

static enum status check_words(const char *words, struct error *err) {
    if (strstr(words, "mode=memory") != NULL) {
        return error_set(err, STATUS_USAGE,
                "URL cannot say mode=memory: sqlite::memory: is a database of its own, "
                "share=NAME one that is shared in the process");
    }
    return STATUS_OK;
}

/* `place` is what stands behind "sqlite:", words that are options taken out. */
static enum status read_path(const char *place, struct text *path, struct error *err) {
    const char *start = skip_authority(place);
    enum status status;

    if (start == NULL) {
        return error_set(err, STATUS_USAGE,
                "URL of an SQLite database cannot name a host: write sqlite:FILE, "
                "sqlite:///FILE or sqlite:////DIRECTORY/FILE");
    }
    status = check_words(start + strcspn(start, "?"), err);
    if (status != STATUS_OK) {
        return status;
    }
    start = skip_file_scheme(start);
    status = url_decode(path, start, strcspn(start, "?"), err);
    if (status == STATUS_OK && strcmp(text_get(path), ":memory:") == 0) {
        text_truncate(path, 0);
    }
    return status;
}

enum status sq_parse_url(const char *url, struct options *options, char **connection,
        char **display, struct error *err) {
    struct text place, path, shown;
    char *path_copy = NULL, *shown_copy = NULL;
    enum status status;

    if (url_after_scheme(url, "sqlite") == NULL) {
        return STATUS_UNSUPPORTED;
    }
    text_init(&place, PATH_BYTES_MAX);
    text_init(&path, PATH_BYTES_MAX);
    text_init(&shown, PATH_BYTES_MAX);
    status = url_split_query(url, is_foreign_word, options, &place, err);
    if (status == STATUS_OK) {
        status = read_path(url_after_scheme(text_get(&place), "sqlite"), &path, err);
    }
    if (status != STATUS_OK) {
        goto out;
    }
    text_printf(&shown, "sqlite:%s", path.length > 0 ? text_get(&path) : ":memory:");
    path_copy = memory_copy_text(text_get(&path));
    shown_copy = text_steal(&shown);
    if (path_copy == NULL || shown_copy == NULL) {
        status = error_nomem(err);
        goto out;
    }
    *connection = path_copy;
    *display = shown_copy;
    path_copy = NULL;
    shown_copy = NULL;
out:
    memory_free(path_copy);
    memory_free(shown_copy);
    text_clear(&place);
    text_clear(&path);
    text_clear(&shown);
    return status;
}
