"""The way between this machine and a PostgREST server: proxies, TLS, redirects, tokens and where they
may not show, connections that were closed, and interrupts in every phase."""
import json
import socket
import sqlite3
import ssl
import subprocess
import threading
import time

import pytest

from support import sqlite
from support.remotes import CODE, connect, rows as select, value
from support.rest_server import Answer, RestServer, failure, rows

DOCUMENT = {"swagger": "2.0", "definitions": {
    "people": {"required": ["id"], "properties": {
        "id": {"format": "int32", "description": "Note:\nThis is a Primary Key.<pk/>"}, "name": {"format": "text"}}}}}
WORDS = "columns.people=id int, name text"
TOKEN = "token-that-shows-nowhere"
IOERR, CANTOPEN = sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN


def table(request):
    """Rows 1 to 9 by their keys, and any write as if it were done."""
    if request.method != "GET":
        count = len(json.loads(request.body)) if request.method == "POST" else 1
        return Answer(201, {"Preference-Applied": request.headers["prefer"]},
                      json.dumps([{"id": i + 1} for i in range(count)]).encode())
    words, found = request.query.get("id", "gte.1"), list(range(1, 10))
    found = [i for i in found if (i >= int(words[4:]) if words.startswith("gte.") else i == int(words[3:]))]
    limit = int(request.query.get("limit", 100))
    return rows(request, [{"id": i, "name": f"n{i}"} for i in found[:limit]], total=len(found))


def attached(url, *options):
    db = connect(check_same_thread=False)
    marks = ", ?" * len(options)
    value(db, f"SELECT bridge_attach(?, 'name=r', 'as=r'{marks})", url, *options)
    return db


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


class TlsServer(RestServer):
    def __init__(self, answer, certificate):
        super().__init__(answer, DOCUMENT)
        self.socket = certificate.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self):
        return super().url.replace("http:", "https:")


# ---------------------------------------------------------------------- a proxy that makes tunnels

class Proxy:
    """Answers CONNECT and joins the two ends; `way` is what it does with one."""

    def __init__(self, port):
        self.port, self.way, self.asked, self.passed = port, "join", [], b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.tunnel, args=(client,), daemon=True).start()

    def tunnel(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.asked.append(head.decode())
        if self.way == "refuse":
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        else:
            client.sendall(b"HTTP/1.1 200 Connection established\r\nContent-Range: 0-8/9\r\n"
                           b"Content-Type: application/json\r\nPreference-Applied: timezone=UTC\r\n\r\n")
        if self.way != "join":
            client.sendall(b"no handshake of TLS" if self.way == "garbage" else b"")
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", self.port))
        threading.Thread(target=self.copy, args=(server, client, False), daemon=True).start()
        self.copy(client, server, True)

    def copy(self, source, sink, kept):
        try:
            while data := source.recv(65536):
                self.passed += data if kept else b""
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


@pytest.fixture
def tunnel(certificate, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with TlsServer(table, certificate) as server, Proxy(server.server_address[1]) as proxy:
        yield server, proxy


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_a_tunnel_through_a_proxy(tunnel, monkeypatch, variable):
    """The name is nobody's: whoever answers is behind the proxy, which sees the name and nothing else."""
    server, proxy = tunnel
    monkeypatch.setenv(variable, proxy.url)
    db = attached("https://rest.invalid", "tls_verify=0", "token=" + TOKEN, WORDS)
    assert select(db, "SELECT max(id), count(name) FROM r.people") == [(9, 9)]
    db.execute("CREATE VIRTUAL TABLE v USING postgrest(server=r, table=people, key=id)")
    db.execute("INSERT INTO v VALUES (1, 'a')")
    assert all(words.startswith("CONNECT rest.invalid:443 HTTP/1.1\r\n") for words in proxy.asked)
    assert len(server.writes()) == 1 and server.writes()[0].headers["authorization"] == "Bearer " + TOKEN
    assert TOKEN.encode() not in proxy.passed and TOKEN not in "".join(proxy.asked) and b"people" not in proxy.passed
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    before = len(proxy.asked)
    assert len(select(attached(server.url, "tls_verify=0"), "SELECT id FROM r.people")) == 9
    assert len(proxy.asked) == before


@pytest.mark.parametrize("way", ["refuse", "close", "garbage"])
def test_a_tunnel_that_does_not_come_about(tunnel, monkeypatch, way):
    """What the proxy says is not the server's answer: nothing was read, and nothing written."""
    server, proxy = tunnel
    monkeypatch.setenv("https_proxy", proxy.url)
    db = attached("https://rest.invalid", "tls_verify=0", WORDS)
    db.execute("CREATE VIRTUAL TABLE v USING postgrest(server=r, table=people, key=id)")
    assert len(select(db, "SELECT id FROM v WHERE id = 3")) == 1
    proxy.way = way
    code, text = sqlite.error(db, "INSERT INTO v VALUES (1, 'a')")
    assert code & 0xff == CANTOPEN and "nobody can tell" not in text and "carried out" not in text, (code, text)
    other = connect()
    code, text = sqlite.error(other, "SELECT bridge_attach('https://rest.invalid', 'tls_verify=0', ?)", (WORDS,))
    assert code & 0xff == CANTOPEN, (code, text)
    assert server.writes() == []
    proxy.way = "join"
    db.execute("INSERT INTO v VALUES (1, 'a')")
    assert len(server.writes()) == 1


# ---------------------------------------------------------------------- TLS

def test_a_certificate_that_nobody_signed(certificate):
    with TlsServer(table, certificate) as server:
        for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
            code, text = sqlite.error(connect(), "SELECT bridge_attach(?, ?)", (url, "token=" + TOKEN))
            assert code & 0xff == CANTOPEN and "certificate" in text and TOKEN not in text
        assert server.requests == []  # nothing was said to it, no token either
        assert len(select(attached(server.url, "tls_verify=0"), "SELECT id FROM r.people")) == 9
        assert sqlite.error(connect(), "SELECT bridge_attach(?, 'tls_verify=maybe')", (server.url,))[0]


class Authority:
    """Signs certificates for names; its own is what a user trusts."""

    def __init__(self, folder):
        self.folder, self.file = folder, folder / "ca.pem"
        self._openssl("req", "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem",
                      "-newkey", "rsa:2048", "-nodes")

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def sign(self, names, days=2):
        (self.folder / "names").write_text(f"subjectAltName={names}\n")
        self._openssl("req", "-new", "-subj", "/CN=server", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "asked.pem")
        self._openssl("x509", "-req", "-in", "asked.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days),
                      "-extfile", "names", "-out", "signed.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "signed.pem", self.folder / "key.pem")
        return context


def test_an_authority_of_ones_own(tmp_path, certificate):
    """Trusted for the names that it signed, and for nobody else."""
    authority = Authority(tmp_path)
    trusting = f"tls_ca={authority.file}"
    with TlsServer(table, authority.sign("DNS:localhost")) as server:
        named, numbered = server.url.replace("127.0.0.1", "localhost"), server.url
        db = attached(named, trusting, "token=" + TOKEN)
        assert len(select(db, "SELECT id FROM r.people")) == 9
        db.execute("UPDATE r.people SET name = 'n' WHERE id = 1")
        assert server.writes()[0].headers["authorization"] == "Bearer " + TOKEN
        before = len(server.requests)
        for url, words, told in ((numbered, trusting, "127.0.0.1"),  # the certificate is for another name
                                 (named, "tls_verify=1", "certificate"),  # its authority is nobody's
                                 (named, f"tls_ca={tmp_path / 'none.pem'}", "none.pem"),
                                 (named, f"tls_ca={tmp_path / 'key.pem'}", "key.pem")):
            code, text = sqlite.error(connect(), "SELECT bridge_attach(?, ?, ?)", (url, words, "token=" + TOKEN))
            assert code & 0xff == CANTOPEN and told in text and TOKEN not in text, (words, code, text)
        assert len(server.requests) == before
        assert len(select(attached(numbered, trusting, "tls_verify=0"), "SELECT id FROM r.people")) == 9
    with TlsServer(table, authority.sign("IP:127.0.0.1")) as server:
        assert len(select(attached(server.url, trusting), "SELECT id FROM r.people")) == 9
        db = connect()
        assert sqlite.error(db, "SELECT bridge_attach(?, ?)", (server.url.replace("127.0.0.1", "localhost"), trusting))[0] & 0xff == CANTOPEN
    with TlsServer(table, authority.sign("IP:127.0.0.1", days=-1)) as server:
        code, text = sqlite.error(connect(), "SELECT bridge_attach(?, ?)", (server.url, trusting))
        assert code & 0xff == CANTOPEN and "expired" in text, text
    with TlsServer(table, certificate) as server:  # another authority
        assert sqlite.error(connect(), "SELECT bridge_attach(?, ?)", (server.url.replace("127.0.0.1", "localhost"), trusting))[0] & 0xff == CANTOPEN
        assert server.requests == []


def test_the_other_kind_of_port(certificate):
    with RestServer(table, DOCUMENT) as plain, TlsServer(table, certificate) as tls:
        for url in (plain.url.replace("http:", "https:"), tls.url.replace("https:", "http:")):
            code, text = sqlite.error(connect(), "SELECT bridge_attach(?, 'tls_verify=0', 'connect_timeout_ms=2000')", (url,))
            assert code & 0xff in (CANTOPEN, CODE["SQLITE_ERROR"]), (code, text)
        assert tls.requests == []


# ---------------------------------------------------------------------- redirects and kinds of URLs

@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "dict://127.0.0.1/",
                                 "https+file://x/", "smb://h/x", "HTTP ://h", "//host/"])
def test_kinds_of_urls_that_are_refused(url):
    db = connect()
    for sql in ("SELECT bridge_attach(?)", "SELECT bridge_server('s', ?)"):
        assert sqlite.error(db, sql, (url,))[0] & 0xff == CODE["SQLITE_ERROR"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "other port", "same port",
                                   "//127.0.0.1/x"])
def test_redirects(status, where):
    """Nobody is asked anything at the other end, and nobody gets the token."""
    with RestServer(table, DOCUMENT) as other:
        def answer(request):
            place = {"other port": other.url + "/people", "same port": "/people"}.get(where, where)
            return Answer(status, {"Location": place})

        with RestServer(answer, DOCUMENT) as server:
            db = attached(server.url, "token=" + TOKEN)
            for sql in ("SELECT * FROM r.people", "INSERT INTO r.people(name) VALUES ('a')"):
                before = len(server.asked())
                text = sqlite.error(db, sql)[1]
                assert "Redirects are not followed" in text and TOKEN not in text and "passwd" not in text
                assert len(server.asked()) == before + 1
            assert other.requests == []


# ---------------------------------------------------------------------- tokens

def test_nothing_shows_the_token(tmp_path):
    def answer(request):
        if request.query.get("id", "") == "eq.7":
            return failure(401, "PGRST301", "JWT invalid")
        return table(request)

    with RestServer(answer, DOCUMENT) as server:
        log, file = tmp_path / "log", tmp_path / "file.db"
        (tmp_path / "token").write_text(TOKEN)
        ways = [f"'token={TOKEN}'", "'token_env=REST_TOKEN'", f"'token_file={tmp_path}/token'",
                f"'header.Authorization=Bearer {TOKEN}'", f"'header.apikey={TOKEN}'"]
        for n, way in enumerate(ways):
            result = sqlite.shell(f"""
                SELECT bridge_attach('{server.url}', 'name=s', {way}, 'log_parameters=1', 'log_file={log}');
                SELECT * FROM people WHERE name = 'n3'; SELECT * FROM people WHERE id = 7; INSERT INTO people(name) VALUES ('a');
                SELECT * FROM bridge_servers; SELECT * FROM bridge_log; SELECT * FROM bridge_tables; SELECT * FROM bridge_columns;
                SELECT * FROM bridge_explain('SELECT * FROM people WHERE id > 3'); SELECT bridge_ping('s');
                SELECT bridge_attach('{server.url}', 'nonsense=1', {way}); SELECT bridge_attach('{server.url}x', {way});
                SELECT bridge_server('t', '{server.url}', {way}, 'page_rows=1');
                CREATE VIRTUAL TABLE mine USING postgrest(server=s, table=people);
                CREATE VIRTUAL TABLE yours USING postgrest(url='{server.url}?token={TOKEN}', table=people);
                CREATE VIRTUAL TABLE hers USING postgrest(url='{server.url}?header.apikey={TOKEN}', table=people);
                SELECT sql FROM sqlite_schema;
                .dump
                """, database=str(file), env={"DRAWBRIDGE_TRACE": "all", "REST_TOKEN": TOKEN})
            assert "n3" in result.out and "JWT invalid" in result.err, result.err
            assert TOKEN not in result.out + result.err + log.read_text() and TOKEN.encode() not in file.read_bytes(), n
            sent = server.asked()[-1].headers
            assert TOKEN in sent.get("authorization", "") + sent.get("apikey", "")
            file.unlink()


@pytest.mark.parametrize("header", [
    "Prefer=tx=rollback", "accept-profile=other", "Content-Profile=other", "Accept=text/csv", "Content-Type=text/csv",
    "Content-Length=3", "Transfer-Encoding=chunked", "Range=0-0", "authorization=Basic abc"])
def test_headers_that_are_the_drivers_own(header):
    """Else a write that the server rolls back would be reported as done, or go to another schema than a read."""
    with RestServer(table, DOCUMENT) as server:
        db = connect()
        text = sqlite.error(db, "SELECT bridge_attach(?, ?, 'token=secret')", (server.url, f"header.{header}"))[1]
        assert "cannot" in text and f"header.{header.partition('=')[0]}".lower() in text.lower() and "secret" not in text
        assert server.requests == []
        assert value(db, "SELECT bridge_attach(?, 'header.Authorization=Basic abc', 'header.X-Prefer=a')", server.url)
        assert server.requests[-1].headers["authorization"] == "Basic abc"


BAD_TOKENS = {"": None, "x" * 70_000: "", "a\nb": "control character", "a\rAuthorization: b": "control character",
              "a\x00b": "control character", "a\tb": "control character"}


@pytest.mark.parametrize("token", BAD_TOKENS, ids=range(len(BAD_TOKENS)))
def test_tokens_that_are_none(tmp_path, token):
    file = tmp_path / "token"
    file.write_text("good")
    with RestServer(table, DOCUMENT) as server:
        db = attached(server.url, f"token_file={file}")
        file.write_text(token)
        before = len(server.requests)
        if BAD_TOKENS[token] is not None:
            text = sqlite.error(db, "SELECT id FROM r.people")[1]
            assert BAD_TOKENS[token] in text and "xxxx" not in text and len(server.requests) == before
        else:
            select(db, "SELECT id FROM r.people")
            assert set(server.asked()[-1].headers) & {"authorization"} == ({"authorization"} if token else set())
        file.unlink()
        assert "could not open token_file" in sqlite.error(db, "SELECT id FROM r.people")[1]
        file.write_text("good again")
        assert len(select(db, "SELECT id FROM r.people")) == 9
        assert server.asked()[-1].headers["authorization"] == "Bearer good again"


def test_a_token_that_nobody_can_renew():
    with RestServer(lambda _: failure(401, "PGRST303", "JWT expired"), DOCUMENT) as server:
        db = attached(server.url, "token=" + TOKEN)
        for sql in ("SELECT id FROM r.people", "INSERT INTO r.people(name) VALUES ('a')"):
            before = len(server.asked())
            code, text = sqlite.error(db, sql)
            assert code & 0xff == CODE["SQLITE_AUTH"] and "JWT expired" in text and len(server.asked()) == before + 1


# ---------------------------------------------------------------------- connections that were closed

class Forgetful(RestServer):
    """Closes each connection behind its answer without having said so, as the server does after 30 s."""

    def __init__(self, answer):
        super().__init__(self.bytes_of, DOCUMENT)
        self.made = answer

    def bytes_of(self, request):
        answer = self.made(request)
        return answer.encode(request.method) if isinstance(answer, Answer) else answer

    def answer(self, request):
        answer = super().answer(request)
        return answer.encode(request.method) if isinstance(answer, Answer) else answer


def test_closed_connections_are_replaced_unseen():
    with Forgetful(table) as server:
        db = attached(server.url)
        for _ in range(3):
            assert len(select(db, "SELECT id FROM r.people")) == 9
            time.sleep(0.05)  # until the end has arrived
            db.execute("INSERT INTO r.people(name) VALUES ('a'), ('b')")
            time.sleep(0.05)
            assert db.execute("DELETE FROM r.people WHERE id = 3").rowcount == 1
            time.sleep(0.05)
        assert len(server.writes()) == 6 and not [one for one in server.requests if one.method == "HEAD"][1:]
        assert len({one.connection for one in server.requests}) == len(server.requests)


def test_a_write_whose_connection_closes_is_not_repeated():
    """Neither on a new connection nor on one that was kept, whatever of its answer came."""
    for answer in (None, b"", b"HTTP/1.1 201 Cre"):
        with RestServer(lambda request, answer=answer: table(request) if request.method == "GET" else answer, DOCUMENT) as server:
            db = attached(server.url)
            select(db, "SELECT id FROM r.people")
            code, text = sqlite.error(db, "INSERT INTO r.people(name) VALUES ('a')")
            assert code & 0xff == IOERR, (code, text)
            assert len(server.writes()) == 1


# ---------------------------------------------------------------------- interrupts

def hangs_in(phase, over):
    def pages(request):
        if request.query.get("id") and phase == "between pages":
            over.wait(20)
        return table(request)

    def body(request):
        yield (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Range: 0-8/9\r\nContent-Length: 999\r\n\r\n"
               b'[{"id":1,"name":"a"}')
        over.wait(20)

    def head(request):
        yield b"HTTP/1.1 200 OK\r\nContent-Type: appl"
        over.wait(20)

    return {"answer": lambda _: over.wait(20) and None, "head": head, "body": body, "between pages": pages,
            "busy": lambda _: Answer(503, {"Retry-After": "9"})}[phase]


@pytest.mark.parametrize("phase", ["answer", "head", "body", "between pages", "busy"])
def test_interrupts(phase):
    over = threading.Event()
    with RestServer(hangs_in(phase, over), DOCUMENT) as server:
        db = attached(server.url, "page_rows=4")
        threading.Timer(0.25, db.interrupt).start()
        started = time.monotonic()
        code, text = sqlite.error(db, "SELECT count(name), max(id) FROM r.people")
        assert code & 0xff == sqlite3.SQLITE_INTERRUPT, (code, text)
        assert 0.2 < time.monotonic() - started < 0.25 + 1
        over.set()
        server.script = table
        assert select(db, "SELECT count(name), max(id) FROM r.people") == [(9, 9)]


def test_interrupted_while_connecting():
    """A queue that is full: the connection does not come about."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = []
        for _ in range(3):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(server.getsockname())
            waiting.append(one)
        url = "http://127.0.0.1:%d" % server.getsockname()[1]
        db = connect(check_same_thread=False)
        threading.Timer(0.25, db.interrupt).start()
        started = time.monotonic()
        code, text = sqlite.error(db, "SELECT bridge_attach(?)", (url,))
        assert code & 0xff == sqlite3.SQLITE_INTERRUPT and time.monotonic() - started < 0.25 + 1, (code, text)
        started = time.monotonic()
        code, text = sqlite.error(db, "SELECT bridge_attach(?, 'connect_timeout_ms=300')", (url,))
        assert code & 0xff == CANTOPEN and time.monotonic() - started < 3, (code, text)
        for one in waiting:
            one.close()


def test_interrupted_while_the_tables_are_described():
    over = threading.Event()
    with RestServer(table, DOCUMENT) as server:
        whole = server.answer
        server.answer = lambda request: over.wait(20) and None if request.method == "GET" else whole(request)
        db = connect(check_same_thread=False)
        threading.Timer(0.25, db.interrupt).start()
        code, text = sqlite.error(db, "SELECT bridge_attach(?)", (server.url,))
        assert code & 0xff == sqlite3.SQLITE_INTERRUPT, (code, text)
        over.set()
