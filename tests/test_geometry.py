"""geometry= over types named as PostGIS names its own: built here of text, which keeps the digits of
EWKB, and of functions that know a few points. Under ./check all PostGIS itself answers, too."""
import pytest

from support import sqlite

# Two overloads stand beside each function that is called: PostGIS has them, and they must not win.
STAND_IN = """
    CREATE SCHEMA "Geo Types"; SET search_path = "Geo Types";
    CREATE TABLE known (ewkb text, wkt text, geojson text);
    INSERT INTO known VALUES
        ('0101000000000000000000F03F0000000000000040', 'POINT(1 2)', '{"type":"Point","coordinates":[1,2]}'),
        ('010100000000000000000008400000000000001040', 'POINT(3 4)', '{"type":"Point","coordinates":[3,4]}');
    CREATE FUNCTION st_astext(text) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS $$ SELECT 'not this' $$;
    CREATE FUNCTION st_asgeojson(r record, geom_column text DEFAULT '', maxdecimaldigits int DEFAULT 9,
        pretty_bool boolean DEFAULT false) RETURNS text STABLE LANGUAGE plpgsql AS
        $$ BEGIN RETURN 'not this'; END $$;
"""
TYPE = """
    CREATE TYPE {0};
    CREATE FUNCTION {0}_in(cstring) RETURNS {0} IMMUTABLE STRICT LANGUAGE internal AS 'textin';
    CREATE FUNCTION {0}_out({0}) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout';
    CREATE TYPE {0} (INPUT = {0}_in, OUTPUT = {0}_out, LIKE = text);
    CREATE CAST ({0} AS text) WITHOUT FUNCTION;
    CREATE FUNCTION st_astext({0}) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS
        $$ SELECT wkt FROM "Geo Types".known WHERE ewkb = $1::text $$;
    CREATE FUNCTION st_asgeojson({0}, maxdecimaldigits int DEFAULT 9, options int DEFAULT 8) RETURNS text
        IMMUTABLE STRICT LANGUAGE sql AS $$ SELECT geojson FROM "Geo Types".known WHERE ewkb = $1::text $$;
"""
TABLE = """CREATE TABLE public.places (id int PRIMARY KEY, shape {0}.geometry, area {0}.geography);
    INSERT INTO public.places VALUES
        (1, '0101000000000000000000F03F0000000000000040', '0101000000000000000000F03F0000000000000040'),
        (2, '010100000000000000000008400000000000001040', NULL)"""

LOOKS = {
    (): ("TEXT", "0101000000000000000000F03F0000000000000040"),
    ("geometry=ewkb",): ("TEXT", "0101000000000000000000F03F0000000000000040"),
    ("geometry=wkt",): ("TEXT", "POINT(1 2)"),
    ("geometry=geojson",): ("JSON(TEXT)", '{"type":"Point","coordinates":[1,2]}'),
}


@pytest.fixture(scope="module", params=["stand-in", pytest.param("postgis", marks=pytest.mark.slow)])
def places(request, pg):
    """The URL of a database with two places, and whether they are PostGIS's own."""
    pg.create_database("geometry")
    if request.param == "postgis":
        setup = 'CREATE EXTENSION postgis SCHEMA public; ' + TABLE.format("public").replace(
            "area public.geography", "area public.geography(Point)").replace(
            "NULL)", "NULL); UPDATE public.places SET shape = public.ST_SetSRID(shape, 0)")
    else:
        setup = STAND_IN + TYPE.format("geometry") + TYPE.format("geography") + \
            TABLE.format('"Geo Types"')
    try:
        pg.psql(setup, database="geometry")
        yield pg.url("geometry")
    finally:
        pg.drop_database("geometry")


@pytest.mark.parametrize("options", LOOKS, ids=lambda options: options[0] if options else "default")
def test_a_geometry(places, options):
    declared, shown = LOOKS[options]
    connection = sqlite.connect()
    connection.execute("SELECT bridge_attach(%s)" % ", ".join("?" * (len(options) + 2)),
                       (places, "tables=places", *options))
    assert [row[2] for row in connection.execute("PRAGMA table_info(places)")][1] == declared
    rows = connection.execute("SELECT id, shape, typeof(shape) FROM places WHERE id = 1").fetchall()
    assert rows == [(1, shown, "text")]
    assert connection.execute("SELECT id FROM places WHERE shape = ?", (shown,)).fetchall() == [(1,)]
    assert connection.execute("SELECT id FROM places WHERE shape <> ?", (shown,)).fetchall() == [(2,)]
    verdicts = connection.execute("SELECT verdict, fetched FROM bridge_explain(?, ?) "
                                  "WHERE item IN ('where', 'transport')",
                                  ("SELECT id FROM places WHERE shape = ?1", shown)).fetchall()
    assert ("exact", None) in verdicts or ("exact", 1) in verdicts, verdicts
    assert connection.execute("SELECT count(*) FROM places WHERE area IS NULL").fetchall() == [(1,)]
    connection.close()


def test_each_column_may_have_its_own_look(places):
    connection = sqlite.connect()
    connection.execute("SELECT bridge_attach(?, 'tables=places', 'geometry=wkt', 'geometry.area=geojson')",
                       (places,))
    shape, area = connection.execute("SELECT shape, area -> '$.coordinates' FROM places WHERE id = 1").fetchone()
    assert (shape, area) == ("POINT(1 2)", "[1,2]")
    connection.close()
