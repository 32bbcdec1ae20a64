"""bridge_servers, bridge_tables, bridge_columns, bridge_keys, bridge_log and log_file=."""
import json

import pytest

from support.canary import PASSWORD
from support.remotes import (
    attach, connect, file_remote, remote, rows, value)


# ---------------------------------------------------------------------------- metadata

def test_servers(remote):
    db = connect()
    attach(db, remote, "name=s", "latency_ms=3")
    value(db, "SELECT count(*) FROM customers")
    cursor = db.execute("SELECT * FROM bridge_servers")
    row = dict(zip([c[0] for c in cursor.description], cursor.fetchone()))
    assert list(row) == ["name", "driver", "url", "source", "place", "tables", "state",
                         "server_version", "latency_ms", "statements", "round_trips", "rows",
                         "bytes_in", "bytes_out", "reconnects", "last_error"]
    assert (row["name"], row["driver"], row["source"], row["place"]) == ("s", remote.driver, "argument", "main")
    assert (row["tables"], row["state"], row["latency_ms"], row["reconnects"]) == (3, "idle", 3.0, 0)
    assert row["statements"] >= 1 and row["round_trips"] >= 1 and row["server_version"][0].isdigit()
    assert PASSWORD not in row["url"] and row["last_error"] is None


def test_state_is_busy_while_a_cursor_reads(remote):
    db = connect()
    attach(db, remote)
    cursor = db.execute("SELECT * FROM customers")
    cursor.fetchone()
    assert value(db, "SELECT state FROM bridge_servers") == "busy"
    cursor.close()
    assert value(db, "SELECT state FROM bridge_servers") == "idle"


def test_tables_columns_keys(remote):
    db = connect()
    attach(db, remote, "prefix=r_", "tables=customers,orders,cities")
    assert rows(db, "SELECT name, remote_name, kind, attached, writable FROM bridge_tables ORDER BY 1") == [
        ("r_cities", "cities", "view", 1, 0), ("r_customers", "customers", "table", 1, 1),
        ("r_orders", "orders", "table", 1, 1)]
    assert rows(db, "SELECT writable, why_not FROM bridge_tables WHERE writable = (why_not IS NOT NULL)") == []
    assert rows(db, "SELECT position, name, remote_name, not_null FROM bridge_columns "
                    "WHERE table_name = 'r_customers' ORDER BY position") == [
        (1, "id", "id", 1), (2, "name", "name", 0), (3, "city", "city", 0)]
    assert rows(db, "SELECT columns, valid FROM bridge_keys WHERE table_name = 'r_orders' "
                    "AND kind = 'primary'") == [("id", 1)]
    assert rows(db, "SELECT columns, ref_table FROM bridge_keys WHERE table_name = 'r_orders' "
                    "AND kind = 'foreign'") == [("customer", f"{remote.schema}.customers")]


def test_a_named_server_is_asked_once(remote):
    db = connect()
    value(db, "SELECT bridge_server('s', ?)", remote.url)
    assert value(db, "SELECT count(*) FROM bridge_tables WHERE server = 's'") == 3
    before = value(db, "SELECT statements FROM bridge_servers")
    assert rows(db, "SELECT place, attached FROM bridge_tables LIMIT 1") == [(None, 0)]
    assert value(db, "SELECT count(*) FROM bridge_columns") > 6
    assert value(db, "SELECT statements FROM bridge_servers") == before


def test_a_dead_server_is_left_out(file_remote, tmp_path):
    db = connect()
    value(db, "SELECT bridge_server('dead', ?)", f"sqlite:{tmp_path}/none.db")
    attach(db, file_remote)
    assert value(db, "SELECT last_error FROM bridge_servers WHERE name = 'dead'") is None
    assert value(db, "SELECT count(*) FROM bridge_tables WHERE server = 'shop'") == 3
    assert value(db, "SELECT last_error FROM bridge_servers WHERE name = 'dead'") is None  # not asked
    assert value(db, "SELECT count(*) FROM bridge_tables") == 3
    assert "none.db" in value(db, "SELECT last_error FROM bridge_servers WHERE name = 'dead'")


@pytest.mark.parametrize("condition, count", [
    ("server = 'SHOP'", 0), ("server = 'SHOP' COLLATE NOCASE", 3), ("server = 'shop ' COLLATE RTRIM", 3),
    ("server IN ('shop', 'x')", 3), ("server = 7", 0), ("server IS 'shop'", 3), ("server LIKE 'sh%'", 3),
    ("server = (SELECT name FROM bridge_servers)", 3),
])
def test_conditions_on_the_server(file_remote, condition, count):
    db = connect()
    attach(db, file_remote)
    assert value(db, f"SELECT count(*) FROM bridge_tables WHERE {condition}") == count


# ---------------------------------------------------------------------------- log

def test_log_keeps_the_last_statements(remote):
    db = connect()
    attach(db, remote, "log=3", "log_parameters=1")
    for city in ("a", "b", "c", "d", "Oslo"):
        rows(db, "SELECT * FROM customers WHERE city = ?", city)
    cursor = db.execute("SELECT * FROM bridge_log")
    assert [c[0] for c in cursor.description] == ["id", "at", "server", "statement", "ms", "rows",
                                                  "bytes", "round_trips", "error", "notices", "parameters"]
    log = cursor.fetchall()
    assert len(log) == 3 and [entry[0] for entry in log] == sorted(entry[0] for entry in log)
    assert log[-1][2] == remote.name and "customers" in log[-1][3] and log[-1][5] == 1
    assert json.loads(log[-1][10]) == ["Oslo"]
    assert value(db, "SELECT count(*) FROM bridge_log WHERE abs(julianday('now') - julianday(at)) < 0.01") == 3


def test_no_parameters_unless_asked(remote):
    db = connect()
    attach(db, remote)
    rows(db, "SELECT * FROM customers WHERE city = 'Oslo'")
    assert rows(db, "SELECT DISTINCT parameters FROM bridge_log") == [(None,)]


def test_log_0_keeps_nothing(remote):
    db = connect()
    attach(db, remote, "log=0")
    rows(db, "SELECT * FROM customers")
    assert rows(db, "SELECT * FROM bridge_log") == []


def test_log_file(remote, tmp_path):
    db = connect()
    path = tmp_path / "log.json"
    attach(db, remote, f"log_file={path}", "log=0")
    rows(db, "SELECT * FROM customers WHERE name = 'x \"y\" \\ ü'")
    rows(db, "SELECT * FROM orders")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert "orders" in lines[-1]["statement"] and lines[-1]["rows"] == 3
    assert "parameters" not in lines[-1] and oct(path.stat().st_mode & 0o777) == "0o600"


def test_log_min_ms(remote, tmp_path):
    db = connect()
    path = tmp_path / "log.json"
    attach(db, remote, f"log_file={path}", "log_min_ms=60000")
    rows(db, "SELECT * FROM customers")
    assert rows(db, "SELECT * FROM bridge_log") == [] and not path.exists()


def test_a_log_file_that_cannot_be_written(file_remote, tmp_path):
    db = connect()
    attach(db, file_remote, f"log_file={tmp_path}/none/log.json")
    rows(db, "SELECT * FROM customers")
    rows(db, "SELECT * FROM customers")
    assert "could not write log file" in value(db, "SELECT error FROM bridge_log ORDER BY id DESC LIMIT 1")
