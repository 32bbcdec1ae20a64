"""A server that answers as PostgREST does, from memory, as fast as this language can: what is
measured is who reads from it. Run with a number of rows it prints its URL and serves the table
pages(id, k, f, t, b) until its input ends. GET /requests tells how often that was asked for."""
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DOCUMENT = json.dumps({"swagger": "2.0", "definitions": {"pages": {"required": ["id"], "properties": {
    "id": {"format": "int64", "description": "Note:\nThis is a Primary Key.<pk/>"},
    "k": {"format": "int32"}, "f": {"format": "numeric"}, "t": {"format": "text"},
    "b": {"format": "boolean"}}}}}).encode()
ROW = '{{"id":{0},"k":{1},"f":"{2}.25","t":"row {0} of \\"{1}\\"","b":{3}}}'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        rows = self.server.rows
        if self.path == "/":
            return self.say("application/openapi+json", "*/*", DOCUMENT)
        if self.path == "/requests":
            return self.say("application/json", "*/*", str(self.server.requests).encode())
        self.server.requests += 1
        keys = re.search(r"[?&]id=(gte|eq|in)\.\(?([^&)]*)", self.path)
        word, text = keys.groups() if keys else ("gte", "1")
        found = ([rows[int(key) - 1] for key in text.split(",") if int(key) <= len(rows)] if word != "gte"
                 else rows[int(text) - 1:])
        limit = re.search(r"[?&]limit=(\d+)", self.path)
        page = found[:int(limit[1])] if limit else found
        total = len(found) if "count=exact" in self.headers.get("Prefer", "") else "*"
        place = f"0-{len(page) - 1}" if page else "*"
        self.say("application/json", f"{place}/{total}", b"[" + b", \n ".join(page) + b"]")

    do_HEAD = do_GET

    def say(self, kind, place, body):
        head = (f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Range: {place}\r\n"
                f"Preference-Applied: timezone=UTC\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        self.wfile.write(head + (body if self.command == "GET" else b""))

    def log_message(self, *_):
        pass


def serve(count):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = 0
    server.rows = [ROW.format(i, i * 7919 % 100003, i % 1000, "true" if i % 3 else "null").encode()
                   for i in range(1, count + 1)]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
