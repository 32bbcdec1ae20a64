"""A server of scripted answers, for what answers mean and for what goes wrong on the way:

    with RestServer(answer) as server:      # answer(request) -> Answer, or bytes as they are
        server.url, server.requests

A request has method, target, path, query (a dict), headers (lower case) and `connection`, which
tells the connections of the server apart. recorded(NAME) is an exchange of the real PostgREST
(tests/data/postgrest), rows(...) one made up."""
import json
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

DATA = Path(__file__).resolve().parents[1] / "data" / "postgrest"


@dataclass
class Request:
    method: str
    target: str
    headers: dict
    connection: int
    path: str = ""
    query: dict = field(default_factory=dict)
    body: bytes = b""

    def __post_init__(self):
        parts = urlsplit(self.target)
        self.path, self.query = parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))

    @property
    def counted(self):
        return "count=exact" in self.headers.get("prefer", "")


@dataclass
class Answer:
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    def encode(self, method="GET"):
        head = {"Content-Type": "application/json; charset=utf-8",
                "Content-Length": str(len(self.body)), **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        body = b"" if method == "HEAD" else self.body
        return f"HTTP/1.1 {self.status} Scripted\r\n{lines}\r\n".encode() + body


def rows(request, found, total=None, **headers):
    """These rows as PostgREST answers with them; total: of how many, when they are a part."""
    count = len(json.loads(found)) if isinstance(found, (bytes, str)) else len(found)
    body = found if isinstance(found, bytes) else (
        found.encode() if isinstance(found, str) else json.dumps(found).encode())
    total = count if total is None else total
    place = f"0-{count - 1}" if count else "*"
    shown = total if request.counted else "*"
    return Answer(206 if request.counted and total > count else 200,
                  {"Content-Range": f"{place}/{shown}",
                   "Preference-Applied": "timezone=UTC", **headers}, body)


def failure(status, code, message="made up", details="a detail", hint="a hint", **headers):
    body = {"code": code, "message": message, "details": details, "hint": hint}
    return Answer(status, headers, json.dumps(body).encode())


@cache
def exchanges():
    lines = (DATA / "exchanges.jsonl").read_text().rstrip("\n").split("\n")
    return {one["id"]: one for one in map(json.loads, lines)}


def recorded(name):
    return exchanges()[name]["response"]


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        with self.server.lock:
            self.server.connections += 1
            number = self.server.connections
        try:
            while self._one(number):
                pass
        except OSError:
            pass  # the client has gone

    def _one(self, number):
        line = self.rfile.readline().decode("latin-1").split()
        if len(line) < 3:
            return False
        headers = {}
        while (header := self.rfile.readline().decode("latin-1").strip()):
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        request = Request(line[0], line[1], headers, number)
        request.body = self.rfile.read(int(headers.get("content-length", 0)))
        with self.server.lock:
            self.server.requests.append(request)
        answer = self.server.answer(request)
        if answer is None:
            return False  # closed without a word
        if isinstance(answer, Answer):
            self.wfile.write(answer.encode(request.method))
            return True
        for piece in [answer] if isinstance(answer, bytes) else answer:
            self.wfile.write(piece)
        return False


class RestServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer, document=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock, self.requests, self.connections = threading.Lock(), [], 0
        self.document = document
        self.script = answer

    def answer(self, request):
        if request.path == "/":
            if self.document is None:
                return failure(404, "PGRST126", "Root endpoint metadata is disabled",
                               None, None)
            return Answer(200, {"Content-Type": "application/openapi+json; charset=utf-8",
                                "Server": "postgrest/14.17"},
                          json.dumps(self.document).encode())
        return self.script(request)

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.server_address[1]

    def asked(self):
        """The requests for rows."""
        return [request for request in self.requests if request.path != "/"]

    def writes(self):
        return [request for request in self.requests if request.method not in ("GET", "HEAD")]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def silent_server():
    """A socket that accepts nobody: connections to it wait in its queue."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    return server
