"""pgpool-II in front of a primary and its replica, as an unprivileged user on a socket of its own.

    with Pgpool(primary, replica) as pool:
        pool.url("icu")           # as primary.url(), by way of it
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from support.postgres import SUPERUSER, _unprivileged


class Pgpool:
    def __init__(self, *servers, **settings):
        self.servers, self.settings = servers, settings
        self.folder = self.process = self.port = None

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="drawbridge-", dir=os.environ.get("CHECK_TMP", "/tmp")))
        self.folder.chmod(0o711)
        self.port, pcp_port = free_port(), free_port()
        password = self.servers[0].password
        settings = {
            "listen_addresses": "", "port": self.port, "socket_dir": self.folder,
            "pcp_listen_addresses": "", "pcp_port": pcp_port, "pcp_socket_dir": self.folder,
            "pid_file_name": self.folder / "pid", "logdir": self.folder, "work_dir": self.folder,
            "backend_clustering_mode": "streaming_replication", "load_balance_mode": "on",
            "num_init_children": 8, "max_pool": 4, "enable_pool_hba": "on", "pool_passwd": "passwords",
            "sr_check_user": SUPERUSER, "sr_check_password": password, "sr_check_period": 2,
            "delay_threshold": 0, "health_check_period": 0, "failover_on_backend_error": "off"}
        for number, server in enumerate(self.servers):
            settings |= {f"backend_hostname{number}": server.folder, f"backend_port{number}": server.port,
                         f"backend_weight{number}": 1, f"backend_data_directory{number}": server.folder}
        settings |= self.settings
        self._write("pgpool.conf", "".join(f"{name} = '{value}'\n" for name, value in settings.items()))
        self._write("pool_hba.conf", "local all all scram-sha-256\n")
        self._write("pcp.conf", "")
        self._write("passwords", f"{SUPERUSER}:TEXT{password}\n")
        self._write("log", "")
        who = {}
        if os.geteuid() == 0:
            user = _unprivileged()
            who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, user.pw_uid, user.pw_gid)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/pgpool", "-n", "-f", self.folder / "pgpool.conf", "-a",
                 self.folder / "pool_hba.conf", "-F", self.folder / "pcp.conf"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                start_new_session=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, **who)
        self._wait()
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database="icu", **query):
        self.servers[0].database(database)
        words = "".join(f"&{name}={value}" for name, value in query.items())
        return (f"postgresql://{SUPERUSER}:{self.servers[0].password}@/{database}"
                f"?host={self.folder}&port={self.port}{words}")

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def _write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)

    def _wait(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres"), autocommit=True).close()
                return
            except psycopg.OperationalError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.log()[-3000:]
                time.sleep(0.1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
