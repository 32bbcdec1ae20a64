"""Servers that the whole run shares, and the watch over the password."""
import os

import pytest

from support import canary
from support.postgres import Postgres


def pytest_configure(config):
    """The sanitizer's runtime was preloaded for the processes that run tests, not for the servers
    and tools that these start."""
    starts_workers = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if not starts_workers:
        os.environ.pop("LD_PRELOAD", None)


def _server(version):
    server = Postgres(version)
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(scope="session")
def pg():
    """PostgreSQL 15, Debian's. Shared by all tests: make a schema or database of your own, and
    leave the server running. A test that stops, pauses or configures a server uses own_pg."""
    yield from _server("15")


@pytest.fixture(scope="session")
def pg12():
    yield from _server("12")


@pytest.fixture(scope="session")
def pg18():
    yield from _server("18")


@pytest.fixture(scope="session", params=["12", "15", "18"])
def any_pg(request):
    """Each PostgreSQL of the default set in turn."""
    return request.getfixturevalue({"12": "pg12", "15": "pg", "18": "pg18"}[request.param])


@pytest.fixture
def own_pg():
    """A PostgreSQL 15 of this test alone."""
    yield from _server("15")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Fails the test when something it showed, or the words of its failure, has the password."""
    report = (yield).get_result()
    if call.when == "setup":
        return
    captured = [text for _, text in report.sections]
    found = canary.leaks([*captured, report.longreprtext])
    if found:
        report.outcome = "failed"
        report.longrepr = "the password was shown:\n" + "\n".join(found)
        report.sections = []
