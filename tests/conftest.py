"""Servers that the whole run shares, and the watch over the password."""
import os

import pytest

from support import canary
from support.postgres import Postgres


# ./check quick has three minutes on two cores. Beside what is marked `full` it leaves out these, as
# if they were: what takes long, and is about servers, faults and costs more than about answers.
# file -> the beginnings of names that stay in, or, behind "-", of those that do not.
QUICK = {
    "test_attach_speed": "-test_three_round_trips test_about_a_second",
    "test_bench": "test_an_unknown_case",
    "test_commit": "-test_the_server_dies",
    "test_contract": "test_postgres[15-driver_",
    "test_docs": "-test_the_examples_run",
    "test_errors": "-test_the_server_is_full",
    "test_fault": "",
    "test_grid": "-test_sample_on_the_newest_sqlite test_options test_special_rows",
    "test_infrastructure": "",
    "test_interrupts": "test_statement_timeout test_ctrl_c_in_python test_a_black_hole",
    "test_judge_grid": "",
    "test_lookups": "-test_many_lookups_become test_every_value_finds test_memory_stays "
                    "test_a_condition_that_seemed_fixed",
    "test_open_cursors": "test_rollback test_nothing_is_left",
    "test_plans": "-test_a_small_remote_table test_ten_local_rows test_many_keys test_many_local_keys "
                  "test_new_statistics",
    "test_poolers": "-test_sample",
    "test_postgrest": "-test_recorded_errors",
    "test_postgrest_recorded": "",
    "test_postgrest_write": "test_insert_update_delete",
    "test_postgrest_grid": "test_a_change test_a_server_with_a_cap",
    "test_races": "test_a_delete_that_comes_late test_a_deadlock test_only_rows_to_be_changed",
    "test_sessions": "test_role test_a_session_serves_the_next_attach test_tenants",
    "test_streaming": "-test_memory_is_bounded",
    "test_threads": "",
    "test_transactions": "test_sequences_as_on_a_local_twin[postgres-begin",
    "test_transport": "test_which_transport test_interrupted test_one_round_trip test_one_snapshot",
    "test_types": "test_every_line[pg-icu test_values_are_stable[pg-icu test_every_type_has_a_line[pg-icu",
    "test_types_page": "test_columns_look",
    "test_write_grid": "-test_every_class",
}


def pytest_collection_modifyitems(items):
    for item in items:
        words = QUICK.get(item.path.stem)
        if words is not None:
            named = item.name.startswith(tuple(words.removeprefix("-").split()))
            if named == words.startswith("-"):
                item.add_marker(pytest.mark.full)


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
