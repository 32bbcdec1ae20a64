"""A process that runs one contender's part of a case: the programs of bench/floors, and
duckdb_worker.py. It says it is ready, then answers each line "go" with one line of JSON."""
import json
import select
import subprocess
import tempfile
import time


class Failed(Exception):
    """The contender could not do it; the text says why."""


class TooSlow(Failed):
    pass


class Worker:
    def __init__(self, words, limit_s):
        self.limit_s = limit_s
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors)
        self.buffer = b""
        try:
            self._line(max(limit_s, 120))  # set-up is not measured, and may load a table
        except Failed:
            self.end()
            raise

    def go(self):
        """One run: its figures, as the worker tells them."""
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()
        return self._line(self.limit_s)

    def end(self):
        """Lets it go: by the end of its input, or by force when it is busy."""
        self.process.stdin.close()
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def _line(self, limit_s):
        deadline = time.monotonic() + limit_s
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise TooSlow(f"more than {limit_s:g} s")
            data = self.process.stdout.read1(65536)
            if not data:
                raise Failed(self._said())
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)

    def _said(self):
        code = self.process.wait()
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").strip()
        return said[-300:] or f"ended with status {code}"
