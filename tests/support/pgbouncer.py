"""PgBouncer in front of a test server, as an unprivileged user on a socket of its own.

    with PgBouncer(server, pool_mode="transaction", default_pool_size=1) as bouncer:
        bouncer.url("icu")        # as server.url(), by way of it
"""
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from support.postgres import SUPERUSER, _unprivileged


class PgBouncer:
    def __init__(self, server, **settings):
        self.server = server
        self.settings = {"pool_mode": "transaction", "default_pool_size": "1", **settings}
        self.folder = self.process = self.port = None

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="drawbridge-", dir=os.environ.get("CHECK_TMP", "/tmp")))
        self.folder.chmod(0o711)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._write("users", f'"{SUPERUSER}" "{self.server.password}"\n')
        lines = [f"{name} = {value}" for name, value in {
            "listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": self.folder,
            "auth_type": "scram-sha-256", "auth_file": self.folder / "users",
            "logfile": self.folder / "log", "pidfile": self.folder / "pid", **self.settings}.items()]
        self._write("ini", f"[databases]\n* = host={self.server.folder} port={self.server.port}\n"
                           "[pgbouncer]\n" + "\n".join(lines) + "\n")
        who = {}
        if os.geteuid() == 0:
            user = _unprivileged()
            who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            for path in self.folder.iterdir():
                os.chown(path, user.pw_uid, user.pw_gid)
        self.process = subprocess.Popen(
            ["/usr/sbin/pgbouncer", "-q", self.folder / "ini"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, **who)
        self._wait()
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database="icu", **query):
        self.server.database(database)
        words = "".join(f"&{name}={value}" for name, value in query.items())
        return (f"postgresql://{SUPERUSER}:{self.server.password}@/{database}"
                f"?host={self.folder}&port={self.port}{words}")

    def connect(self, database="icu"):
        return psycopg.connect(self.url(database), autocommit=True, prepare_threshold=None)

    def _write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)

    def _wait(self):
        deadline = time.monotonic() + 20
        while True:
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError:
                log = self.folder / "log"
                assert self.process.poll() is None and time.monotonic() < deadline, \
                    log.read_text() if log.exists() else "pgbouncer did not start"
                time.sleep(0.05)
