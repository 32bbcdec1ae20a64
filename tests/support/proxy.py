"""A proxy between client and server that is slow, cuts, freezes and counts.

    with Proxy(upstream=("127.0.0.1", 5432)) as proxy:
        connect to 127.0.0.1, proxy.port
        proxy.latency_ms = 10          # one way; a round trip costs twice that
        proxy.cut_after(server=1000)   # ends every connection after 1000 more bytes from the server
        proxy.freeze(); proxy.thaw()   # nothing passes, connections stay open
        proxy.cut()                    # ends all connections now
    proxy.rewrite = function       # (side, bytes) -> the bytes that pass instead
        proxy.counts                   # bytes and turns so far

upstream is (host, port) or the path of a unix socket; unix="DIR/.s.PGSQL.5432" listens there
instead of on a port.
"""
import os
import queue
import socket
import struct
import threading
import time
from dataclasses import dataclass


@dataclass
class Counts:
    connections: int = 0
    client_bytes: int = 0   # from client to server
    server_bytes: int = 0
    client_sends: int = 0   # pieces that arrived from the client
    turns: int = 0          # times the client spoke first or again after the server: round trips


class Proxy:
    def __init__(self, upstream, latency_ms=0, unix=None):
        self.upstream = upstream
        self.latency_ms = latency_ms
        self.rewrite = None
        self.counts = Counts()
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._left = {"client": None, "server": None}  # bytes until the cut; None: no cut
        self._once = False
        self._pairs = set()
        self._closed = False
        self._unix = unix
        if unix:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(unix)
            self.port = None
        else:
            self._listener = socket.socket()
            self._listener.bind(("127.0.0.1", 0))
            self.port = self._listener.getsockname()[1]
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def reset_counts(self):
        with self._lock:
            self.counts = Counts()

    def freeze(self):
        self._flowing.clear()

    def thaw(self):
        self._flowing.set()

    def cut_after(self, client=None, server=None, once=False):
        """After so many more bytes from that side, all connections together; None: never.
        once: connections that are made afterwards are not cut."""
        with self._lock:
            self._left = {"client": client, "server": server}
            self._once = once

    def cut(self):
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                _reset(end)

    def close(self):
        self._closed = True
        _reset(self._listener)
        if self._unix:
            os.unlink(self._unix)
        self.thaw()
        self.cut()

    def _accept(self):
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if isinstance(self.upstream, (str, os.PathLike)):
                    server = socket.socket(socket.AF_UNIX)
                    server.connect(str(self.upstream))
                else:
                    server = socket.create_connection(self.upstream)
                for end in (client, server):
                    if end.family != socket.AF_UNIX:
                        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:  # one of them has gone already
                _reset(client)
                continue
            pair = (client, server)
            with self._lock:
                self.counts.connections += 1
                self._pairs.add(pair)
            state = {"last": "server"}
            self._pump("client", client, server, pair, state)
            self._pump("server", server, client, pair, state)

    def _pump(self, side, source, target, pair, state):
        """Two threads for one direction, so that what is under way does not hold up what follows:
        one reads and stamps, one waits until each piece is due and sends it."""
        under_way = queue.Queue(maxsize=256)  # a reader that is far ahead waits, as a network does
        over = threading.Event()

        def read():
            data = b"more"
            while data and not over.is_set():
                try:
                    data = source.recv(65536)
                except OSError:
                    data = b""
                self._count(side, data, state)
                piece = (time.monotonic() + self.latency_ms / 1000, data)
                while not over.is_set():
                    try:
                        under_way.put(piece, timeout=1)
                        break
                    except queue.Full:
                        pass

        def send():
            data, cut = b"more", False
            while data and not cut:
                due, data = under_way.get()
                time.sleep(max(0, due - time.monotonic()))
                self._flowing.wait()
                passed, cut = self._admit(side, data)
                if self.rewrite is not None and passed:
                    passed = self.rewrite(side, passed)
                try:
                    target.sendall(passed)
                    if not data:
                        target.shutdown(socket.SHUT_WR)
                except OSError:
                    cut = True
            over.set()
            if cut:
                self._drop(pair)

        for run in (read, send):
            threading.Thread(target=run, daemon=True).start()

    def _count(self, side, data, state):
        with self._lock:
            if side == "client" and data:
                self.counts.client_bytes += len(data)
                self.counts.client_sends += 1
                self.counts.turns += state["last"] == "server"
            elif data:
                self.counts.server_bytes += len(data)
            if data:
                state["last"] = side

    def _admit(self, side, data):
        """(the bytes that still pass, whether the connection ends behind them)."""
        with self._lock:
            left = self._left[side]
            if left is None:
                return data, False
            self._left[side] = max(0, left - len(data))
            if self._once and left <= len(data):
                self._left = {"client": None, "server": None}
            return data[:left], left <= len(data)

    def _drop(self, pair):
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            _reset(end)


def _reset(end):
    """Closes with a reset, as a network that went away does, and wakes whoever is reading."""
    try:
        if end.family == socket.AF_INET:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.shutdown(socket.SHUT_RD)
        else:
            end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
