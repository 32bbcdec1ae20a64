"""APScheduler's SQLAlchemy job store in an attached table of library.sql. Run by
tests/test_clients_writing.py with the extension's path; DATABASE_URL says what to attach. Prints "well"
when the jobs ran and were kept as they should."""
import datetime
import sys
import threading

from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_REMOVED
from apscheduler.jobstores.base import ConflictingIdError
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import create_engine, event, text

engine = create_engine("sqlite://", connect_args={"check_same_thread": False})  # one for each thread


@event.listens_for(engine, "connect")
def attach(connection, record):
    connection.enable_load_extension(True)
    connection.load_extension(sys.argv[1])
    connection.execute("SELECT bridge_attach('env:DATABASE_URL', 'tables=apscheduler_jobs')").fetchall()


def later(seconds):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)


def start():
    scheduler = BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore(engine=engine)}, timezone="UTC")
    scheduler.start()
    return scheduler


def stored():
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(
            "SELECT id, next_run_time IS NULL, typeof(job_state) FROM apscheduler_jobs ORDER BY id"))]


scheduler = start()
ran, gone, counts = threading.Event(), threading.Event(), []
scheduler.add_listener(lambda told: (counts.append(told.job_id), ran.set()), EVENT_JOB_EXECUTED)
scheduler.add_listener(lambda told: gone.set(), EVENT_JOB_REMOVED)
scheduler.add_job("operator:add", "date", run_date=later(0.2), args=[1, 2], id="once")
assert ran.wait(60) and gone.wait(60) and counts == ["once"]
assert stored() == []

scheduler.add_job("operator:add", "interval", hours=1, args=[1, 2], id="hourly")
try:
    scheduler.add_job("operator:add", "interval", hours=1, args=[3, 4], id="hourly")
    raise AssertionError("an id was given twice")
except ConflictingIdError:
    pass
scheduler.add_job("operator:sub", "interval", hours=2, args=[3, 4], id="hourly", replace_existing=True)
scheduler.add_job("operator:add", "cron", hour=3, args=[1, 2], id="nightly")
scheduler.pause_job("nightly")
assert stored() == [("hourly", 0, "blob"), ("nightly", 1, "blob")]
scheduler.shutdown()

scheduler = start()  # another process would find the same
jobs = {job.id: job for job in scheduler.get_jobs()}
assert set(jobs) == {"hourly", "nightly"} and jobs["hourly"].func_ref == "operator:sub"
assert list(jobs["hourly"].args) == [3, 4] and jobs["nightly"].next_run_time is None
scheduler.modify_job("hourly", args=[5, 6])
scheduler.resume_job("nightly")
assert scheduler.get_job("nightly").next_run_time is not None and list(scheduler.get_job("hourly").args) == [5, 6]
scheduler.remove_job("hourly")
assert [key for key, _, _ in stored()] == ["nightly"]
scheduler.remove_all_jobs()
assert stored() == []
scheduler.shutdown()
print("well")
