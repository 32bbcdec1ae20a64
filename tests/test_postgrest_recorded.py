"""Every recorded exchange with a real PostgREST (tests/data/postgrest), as the answer to a question
or a write of ours: what it means must be told rightly, whatever was asked when it was recorded.
Values of types are in test_postgrest.py, documents there as well."""
import json
import sqlite3

import pytest

from support import sqlite
from support.remotes import connect, rows as select, value
from support.rest_server import Answer, RestServer, exchanges

pytestmark = pytest.mark.plain


def parsed(one):
    try:
        return json.loads(one["response"]["body"])
    except (KeyError, TypeError, ValueError):
        return None


def is_rows(found):
    return isinstance(found, list) and all(isinstance(row, dict) for row in found)


def kind_of(one):
    """What an exchange can be replayed as."""
    found = parsed(one)
    if "method" not in one["request"] or "status" not in one["response"]:
        return "raw"
    if one["response"]["status"] >= 400:
        return "error" if isinstance(found, dict) and "code" in found else "error without words"
    if "openapi" in header(one, "content-type"):
        return "document"
    if is_rows(found) and "application/json" in header(one, "content-type"):
        return "rows" if one["request"]["method"] == "GET" else "written"
    return "something else"


def header(one, name):
    return {key.lower(): text for key, text in one["response"]["headers"].items()}.get(name, "")


def answer(one):
    response = one["response"]
    headers = {key: text for key, text in response["headers"].items()
               if key.lower() not in ("content-length", "transfer-encoding", "connection")}
    headers.setdefault("Content-Type", "")
    return Answer(response["status"], headers, (response.get("body") or "").encode())


def counted(one):
    count = len(parsed(one))
    headers = {**one["response"]["headers"],
               "Content-Range": f"0-{count - 1}/{count}" if count else "*/0"}
    return {**one, "response": {**one["response"], "status": 200, "headers": headers}}


def of_kind(*kinds):
    return [one for one in exchanges().values() if kind_of(one) in kinds]


class Replay:
    """One server and one connection for all of them."""

    def __init__(self):
        self.one = None
        self.server = RestServer(self.script, {"swagger": "2.0", "definitions": {
            "t": {"required": ["id"], "properties": {
                "id": {"format": "int32", "description": "Note:\nThis is a Primary Key.<pk/>"},
                "name": {"format": "text"}}}}})
        self.server.__enter__()
        self.db = connect()
        value(self.db, "SELECT bridge_attach(?, 'as=r')", self.server.url)

    def script(self, request):
        if request.method == "GET" and self.writes:
            keys = request.query.get("id", "in.(1)").replace("eq.", "in.(")
            found = [{"id": int(i), "name": "n"} for i in keys[4:].rstrip(")").split(",")]
            return Answer(200, {"Content-Range": f"0-{len(found) - 1}/{len(found)}"},
                          json.dumps([] if "limit=0" in request.target else found).encode())
        return answer(self.one)

    def run(self, one, sql, *parameters):
        self.one, self.writes = one, not sql.startswith("SELECT")
        try:
            return self.db.execute(sql, parameters).fetchall(), None
        except sqlite3.Error as error:
            return None, (error.sqlite_errorcode, str(error))

    def read(self, one):
        """All rows, as the raw JSON of their first member."""
        found = parsed(one)
        first = next(iter(found[0]), "a") if is_rows(found) and found else "a"
        value(self.db, "SELECT bridge_server('s', ?, ?)", self.server.url,
              'columns.t="%s" of_ones_own' % first)
        self.db.execute("CREATE VIRTUAL TABLE v USING postgrest(server=s, table=t)")
        try:
            return self.run(one, "SELECT * FROM v")
        finally:
            self.db.execute("DROP TABLE v")

    def write(self, one):
        found, method = parsed(one), one["request"]["method"]
        count = max(len(found), 1) if is_rows(found) else 1
        if method == "PATCH":
            sql = "UPDATE r.t SET name = 'x' WHERE id IN (SELECT value FROM json_each(?))"
        elif method == "DELETE":
            sql = "DELETE FROM r.t WHERE id IN (SELECT value FROM json_each(?))"
        else:
            sql = "INSERT INTO r.t(name) SELECT 'x' FROM json_each(?)"
        return self.run(one, sql, json.dumps(list(range(1, count + 1))))


@pytest.fixture(scope="module")
def replay():
    replay = Replay()
    yield replay
    replay.db.close()
    replay.server.__exit__()


def test_nothing_is_left_out():
    kinds = {one["id"]: kind_of(one) for one in exchanges().values()}
    used = {"rows", "written", "error", "error without words", "document", "something else"}
    # Bytes of a connection, which say nothing of an answer: test_postgrest.py has such of its own.
    left = {name for name, kind in kinds.items() if kind not in used}
    assert all(name.startswith(("transport", "sqlstate-079")) for name in left) and len(left) == 24
    assert len(kinds) == 1142


def test_rows_are_complete_or_the_answer_is_an_error(replay):
    complete = 0
    told = [counted(one) for one in of_kind("rows")]  # nearly all were asked for without a count
    for one in of_kind("rows") + told:
        found, (rows, error) = parsed(one), replay.read(one)
        total = header(one, "content-range").rpartition("/")[2]
        if error is None:
            assert total == str(len(found)), (one["id"], header(one, "content-range"))
            want = [next(iter(row.values()), None) for row in found]
            assert [text if text is None or isinstance(told, str) else json.loads(text)
                    for (text,), told in zip(rows, want)] == want, one["id"]
            complete += 1
        elif total.isdigit() and found and len(found[0]) > 16:
            assert "no array of rows" in error[1], (one["id"], error)  # members nobody asked for
        elif total.isdigit() and int(total) == len(found):
            # The first member of odd rows is missing in others, comes twice, or names no column.
            assert any(words in error[1] for words in ("is missing", "must be a list", "twice")), \
                (one["id"], error)
        else:
            assert ("did not say how many rows" if not total.isdigit() else "without a key") in error[1] \
                or "another number" in error[1], (one["id"], error)
    assert complete > 400


def test_what_is_no_rows_is_an_error(replay):
    for one in of_kind("document", "something else", "error without words"):
        rows, error = replay.read(one)
        assert error is not None, one["id"]
        rows, error = replay.write(one)
        assert error is not None or is_rows(parsed(one)), one["id"]


CODES = {  # SQLSTATE or code -> result code; of reading and of writing alike
    "23502": "SQLITE_CONSTRAINT_NOTNULL", "23503": "SQLITE_CONSTRAINT_FOREIGNKEY",
    "23514": "SQLITE_CONSTRAINT_CHECK", "23505": "SQLITE_CONSTRAINT_UNIQUE",
    "57014": "SQLITE_BUSY_TIMEOUT", "25006": "SQLITE_READONLY", "42501": "SQLITE_AUTH",
    "28000": "SQLITE_AUTH", "PGRST301": "SQLITE_AUTH", "PGRST303": "SQLITE_AUTH",
    "PGRST000": "SQLITE_CANTOPEN", "PGRST002": "SQLITE_CANTOPEN", "PGRST003": "SQLITE_BUSY_TIMEOUT"}


def code_of(name):
    return getattr(sqlite3, name, {"SQLITE_BUSY_TIMEOUT": 5 | 3 << 8}.get(name))


def test_errors_reach_the_user_in_the_servers_words(replay):
    seen = set()
    for one in of_kind("error"):
        body = parsed(one)
        again = one["response"]["status"] == 503 and "again" in seen  # reads wait for it
        for kind in ["write"] if again else ["read", "write"]:
            seen |= {"again"} if one["response"]["status"] == 503 else set()
            rows, error = replay.read(one) if kind == "read" else replay.write(one)
            assert error is not None, one["id"]
            code, text = error
            assert body["message"] is None or body["message"].split("\n")[0][:300] in text, (one["id"], text)
            want = CODES.get(body["code"])
            if kind == "write" and body["code"].startswith("22"):
                want = "SQLITE_MISMATCH"
            if kind == "write" and body["code"].startswith(("08", "57P", "PGRST001")):
                want = "SQLITE_IOERR"
                assert "nobody can tell" in text, one["id"]
            if want is not None:
                seen.add(want)
                exact = kind == "write" or "CONSTRAINT" not in want
                same = code == code_of(want) or "UNIQUE" in want and code == \
                    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
                assert same if exact else code & 0xff == code_of(want) & 0xff, (one["id"], kind, error)
    assert len(seen) >= 11, seen


def test_what_was_written_is_counted(replay):
    kept = 0
    for one in of_kind("written"):
        found, (rows, error) = parsed(one), replay.write(one)
        if found:
            assert error is None, (one["id"], error)
            first = next(iter(found[-1].items()), None)
            if one["request"]["method"] == "POST" and first and first[0] == "id" and type(first[1]) is int:
                assert value(replay.db, "SELECT last_insert_rowid()") == first[1], one["id"]
                kept += 1
        else:
            assert "tells of 0 of the 1 rows" in error[1] or "is gone since it was read" in error[1], one["id"]
    assert kept > 40
