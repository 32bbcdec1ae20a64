"""Private PostgreSQL servers: own temporary directory, own socket and port, own canary password,
gone when the test run is.

    server = Postgres("15"); server.start()
    server.url("icu")             a URL for a database, made when first asked for; with password
    server.psql("SELECT 1")       rows, by psycopg, as superuser
    server.pause(); server.cont() every process of the server stops (SIGSTOP), goes on
    server.stop("immediate"); server.restart()
"""
import atexit
import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from support import canary
from support.paths import PARTS

SUPERUSER = "postgres"

# The databases that url() makes when first asked for. PostgreSQL 12 to 14 have no ICU default.
DATABASES = {
    "icu": "ENCODING 'UTF8' LC_COLLATE 'en_US.UTF-8' LC_CTYPE 'en_US.UTF-8' "
           "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'",
    "libc": "ENCODING 'UTF8' LC_COLLATE 'en_US.UTF-8' LC_CTYPE 'en_US.UTF-8'",
    "turkish": "ENCODING 'UTF8' LC_COLLATE 'tr_TR.UTF-8' LC_CTYPE 'tr_TR.UTF-8'",
    "c": "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'",
    "latin1": "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
    "ascii": "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'",
}

# Nothing has to survive the machine, and nothing may change behind a test's back: autovacuum would
# bring statistics, and so other plans, at times of its own.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off",
            "shared_buffers": "128MB", "max_connections": "200",
            "logging_collector": "off", "log_min_messages": "warning", "timezone": "UTC"}


class Postgres:
    def __init__(self, version="15", settings=None):
        self.version = str(version)
        self.settings = {**SETTINGS, **(settings or {})}
        self.password = canary.PASSWORD
        self.process = None
        self._stopping = threading.Lock()
        self.port = None
        self.folder = None
        self._bin = None
        self._user = None  # the system user it runs as; None: ours
        self._made = set()

    # ------------------------------------------------------------------ life

    def start(self):
        """Makes the cluster the first time; returns when it answers."""
        if self.folder is None:
            self._make()
        words = [self._bin / "postgres", "-D", self.folder / "data", "-k", self.folder,
                 "-c", "listen_addresses=127.0.0.1", "-p", self.port]
        for name, value in self.settings.items():
            words += ["-c", f"{name}={value}"]
        with open(self.log_path, "ab") as log:
            self.process = self._spawn(words, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.connect("postgres").close()
                return self
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"PostgreSQL {self.version} did not start:\n{self.log()}")
                time.sleep(0.02)

    def stop(self, mode="fast"):
        """smart waits for the clients, fast ends them, immediate is a crash."""
        with self._stopping:  # a test's timer and the test itself may come at once
            if self.process is not None and self.process.poll() is None:
                self.cont()
                self.process.send_signal({"smart": signal.SIGTERM, "fast": signal.SIGINT,
                                          "immediate": signal.SIGQUIT}[mode])
                try:
                    self.process.wait(60)
                except subprocess.TimeoutExpired:
                    for pid in self.processes():
                        os.kill(pid, signal.SIGKILL)
                    self.process.wait()
            self.process = None

    def restart(self, mode="fast"):
        self.stop(mode)
        return self.start()

    def remove(self):
        """Stops for good and takes the files away."""
        self.stop("immediate")
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder = None
        self._made.clear()
        atexit.unregister(self.remove)

    def pause(self):
        self._signal(signal.SIGSTOP)

    def cont(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(pid, number)

    def processes(self):
        """The postmaster and its children, which lead sessions of their own."""
        if self.process is None or self.process.poll() is not None:
            return []
        found = [self.process.pid]
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                after_name = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            if int(after_name[1]) == self.process.pid:
                found.append(int(stat.parent.name))
        return found

    # ------------------------------------------------------------------ use

    @property
    def log_path(self):
        return self.folder / "log"

    def log(self):
        return self.log_path.read_text(errors="replace")

    @property
    def socket_path(self):
        return self.folder / f".s.PGSQL.{self.port}"

    def url(self, database="icu", user=SUPERUSER, password=None, tcp=False, host=None, port=None,
            **query):
        """postgresql://... over the unix socket, over TCP, or to where else host and port say (a
        proxy). A database of DATABASES is made when it is not there yet. More words go into the
        query part: url("c", connect_timeout=3)."""
        self.database(database)
        login = f"{quote(user, '')}:{quote(self.password if password is None else password, '')}"
        if tcp or host or port:
            place = f"{host or '127.0.0.1'}:{port or self.port}"
        else:
            place = ""
            query = {"host": str(self.folder), "port": self.port, **query}
        tail = "?" + urlencode(query, quote_via=quote) if query else ""
        return f"postgresql://{login}@{place}/{quote(database, '')}{tail}"

    def database(self, kind):
        """Makes a database of DATABASES, once; gives its name."""
        if kind in DATABASES and kind not in self._made:
            self.create_database(kind, kind)
            self._made.add(kind)
        return kind

    def create_database(self, name, kind="c"):
        """A new database with the encoding and locale of that kind."""
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 " + DATABASES[kind])
                               .format(sql.Identifier(name)))
        return name

    def drop_database(self, name):
        self._made.discard(name)
        with self.connect("postgres") as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                               "WHERE datname = %s", (name,))  # sessions that wait in a pool
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))

    def connect(self, database="icu", user=SUPERUSER, password=None):
        """A psycopg connection with autocommit; text is UTF-8 whatever the database's encoding."""
        return psycopg.connect(self.url(database, user, password), autocommit=True,
                               client_encoding="UTF8")

    def psql(self, statements, parameters=None, database="icu"):
        """Runs SQL as superuser (several statements at once when there are no parameters); gives
        the rows of the last one that has any, else []."""
        with self.connect(database) as connection:
            cursor = connection.execute(statements, parameters)
            rows = []
            while True:
                if cursor.description is not None:
                    rows = cursor.fetchall()
                if not cursor.nextset():
                    return rows

    # ------------------------------------------------------------------ how

    def _make(self):
        # A socket's path must be short. ./check clears its own directory, whatever happens to us.
        above = os.environ.get("CHECK_TMP", "/tmp")
        folder = Path(tempfile.mkdtemp(prefix="drawbridge-", dir=above))
        self.folder = folder
        folder.chmod(0o711)
        atexit.register(self.remove)
        if os.geteuid() == 0:
            self._user = _unprivileged()
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        self._bin = self._programs()
        self._fill()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def _fill(self):
        """Makes the data folder."""
        folder = self.folder
        secret = folder / "password"
        secret.write_text(self.password + "\n")
        secret.chmod(0o644)
        words = [self._bin / "initdb", "-D", folder / "data", "-U", SUPERUSER, "--no-sync",
                 "--auth=scram-sha-256", f"--pwfile={secret}", "--locale=C", "--encoding=UTF8"]
        done = self._spawn(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out = done.communicate()[0]
        secret.unlink()
        if done.returncode != 0:
            raise AssertionError(f"initdb {self.version} failed:\n{out.decode(errors='replace')}")

    def _programs(self):
        """The folder with postgres and initdb. The user that it runs as may be unable to read
        ours (a checkout under /root): then it gets a copy of its own."""
        debian = Path(f"/usr/lib/postgresql/{self.version}/bin")
        if debian.exists():
            return debian
        native = PARTS / f"postgresql-{self.version}" / "native"
        if not (native / "bin" / "postgres").exists():
            raise AssertionError(f"PostgreSQL {self.version} is missing: run ./check")
        reachable = all(os.stat(part).st_mode & 0o001 for part in native.parents)
        if self._user is None or reachable:
            return native / "bin"
        copy = self.folder / "native"
        shutil.copytree(native, copy, symlinks=True)
        return copy / "bin"

    def _spawn(self, words, **streams):
        """Starts a program of the server as its user, in a clean environment. Should the test run
        be killed, the kernel takes the server down (SIGQUIT: an immediate shutdown)."""
        who = {}
        if self._user is not None:
            who = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        libc = ctypes.CDLL(None)
        pr_set_pdeathsig = 1
        return subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.DEVNULL, cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, start_new_session=True,
            preexec_fn=lambda: libc.prctl(pr_set_pdeathsig, signal.SIGQUIT), **who, **streams)


class Replica(Postgres):
    """A streaming replica of a running server."""

    def __init__(self, primary, settings=None):
        super().__init__(primary.version, settings)
        self.primary = primary
        self._made = set(DATABASES)  # whatever there is came with the rest

    def _fill(self):
        login = f"user={SUPERUSER} password={self.password}"
        done = self._spawn([self._bin / "pg_basebackup", "-D", self.folder / "data", "-R", "--no-sync",
                            "-c", "fast", "-d",
                            f"{login} host={self.primary.folder} port={self.primary.port}"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out = done.communicate()[0]
        if done.returncode != 0:
            raise AssertionError(f"pg_basebackup failed:\n{canary.seen(out.decode(errors='replace'))}")

    def wait(self):
        """Until it has replayed what the primary has written by now."""
        (place,), = self.primary.psql("SELECT pg_current_wal_lsn()", database="postgres")
        deadline = time.monotonic() + 60
        while not self.psql("SELECT pg_last_wal_replay_lsn() >= %s", (place,), database="postgres")[0][0]:
            assert time.monotonic() < deadline, "the replica does not follow"
            time.sleep(0.05)


def _unprivileged():
    """PostgreSQL refuses to run as root."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
