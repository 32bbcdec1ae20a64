"""What a case is. Each file of bench/cases has a list CASES of them and nothing else; bench/run
finds the file by itself."""
from dataclasses import dataclass, field

OURS, NATIVE = "drawbridge", "native SQLite"
VIRTUALPG, FDW, DUCKDB = "VirtualPG", "postgres_fdw", "DuckDB"
RIVALS = (VIRTUALPG, FDW, DUCKDB)
ALL_KEYS = -1
DATABASE = "icu"  # text in the order of a language, as most databases have it
TPCH = "tpch"     # loaded when a case asks for it


@dataclass
class Floor:
    """libpq alone (floors/postgres.c), or libcurl and jansson alone (pages: floors/pages.c). The
    first floor of a case is what its ratios are to."""
    label: str
    mode: str          # copy, copies (one a line), prepared, any, simple, connect, load
    sql: str
    repeat: int = 0    # executions in one run; 0: the case's; ALL_KEYS: as many as there are keys
    per_key: bool = False  # the figure is that of a run, times all keys through those of a run


@dataclass
class Case:
    name: str
    title: str
    sql: str                     # asked of every contender; {rows} and {keys} are filled in
    floors: list                 # no number without its floor
    sqls: dict = field(default_factory=dict)     # contender -> its own words for the same
    setups: dict = field(default_factory=dict)   # contender -> statements before the run
    skip: dict = field(default_factory=dict)     # contender -> why it has no figure
    database: str = DATABASE
    tables: tuple = ("wide", "items")  # what is attached before the run; none: sql does it
    local_keys: bool = False     # a local table keys(k)
    local_source: bool = False   # a local table source(k, v, t), as many rows as there are keys
    writes: bool = False         # sql writes: rivals connect so that they may
    before: str = ""             # said to the server before each run, out of the clock's sight
    keyed: bool = False          # $1 (SQLite takes that, too) is a key of items
    prefix: str = ""             # in front of the key's number, which makes it a text
    repeat: int = 1              # executions in one run; the figure is of one
    rival_repeat: int = 0        # the same for rivals that take very long; 0: as often
    latency_ms: int = 0          # of a round trip; 0: the unix socket
    fresh: bool = False          # each run in a new process
    rest: bool = False           # the tables are those of harness/rest.py, over HTTP
    figure: str = "ms"           # ms, first_ms (no row is read after the first) or mb
    rounds_max: int = 0          # fewer rounds where the figure hardly changes
    bounds: dict = field(default_factory=dict)   # label -> ours at most so many times that,
    slack_ms: float = 0          # and as much more
    requests: float = 0          # rest: ours sends at most so many times the first floor's
    group: str = ""              # of cases whose sums are shown, too: ours against native + floor

    def repeat_of(self, name):
        return self.rival_repeat if self.rival_repeat and name in RIVALS else self.repeat

    @property
    def unit(self):
        return "MB" if self.figure == "mb" else "ms"
