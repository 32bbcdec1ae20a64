"""What a run needs before it starts: the compiled programs, the Python environment with DuckDB,
VirtualPG. Made in build/ when first asked for; what cannot be had is told, not hidden."""
import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
PROGRAMS = BUILD / "bench"
PYTHON = "/usr/bin/python3"  # Debian's: PostgreSQL's and DuckDB's packages are made for it


def quietly(*words, cwd=ROOT):
    """Runs a command; gives None, or the end of what it said when it failed."""
    try:
        done = subprocess.run([str(word) for word in words], cwd=cwd, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else done.stdout.strip()[-500:]


def compile_programs():
    """Builds the extension and the programs of bench/floors; ends the run when that fails."""
    if not (BUILD / "build.ninja").exists():
        failure = quietly("meson", "setup", BUILD)
        if failure:
            sys.exit(f"bench: meson failed:\n{failure}")
    failure = quietly("ninja", "-C", BUILD, "drawbridge.so", "bench/bench_postgres",
                      "bench/bench_sqlite", "bench/bench_delay", "bench/bench_pages")
    if failure:
        sys.exit(f"bench: could not be compiled:\n{failure}")


def enter_environment():
    """Goes on under build/venv-bench, which holds what bench/requirements.txt pins."""
    venv, pins = BUILD / "venv-bench", ROOT / "bench" / "requirements.txt"
    if Path(sys.prefix) == venv:
        return
    made = venv / "requirements.txt"
    if not made.exists() or not filecmp.cmp(pins, made, shallow=False):
        print("making build/venv-bench", file=sys.stderr)
        shutil.rmtree(venv, ignore_errors=True)
        failure = quietly(PYTHON, "-m", "venv", venv) or quietly(
            venv / "bin" / "pip", "install", "--no-input", "--disable-pip-version-check",
            "-r", pins)
        if failure:
            sys.exit(f"bench: build/venv-bench could not be made:\n{failure}")
        shutil.copy(pins, made)
    python = venv / "bin" / "python"
    os.execv(python, [str(python), *sys.argv])


def virtualpg():
    """(path of mod_virtualpg.so, version), or (None, why not). Debian's package is unpacked, not
    installed: nothing outside build/ changes."""
    folder = BUILD / "bench" / "virtualpg"
    library = folder / "usr/lib/x86_64-linux-gnu/mod_virtualpg.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        failure = quietly("apt-get", "download", "libsqlite3-mod-virtualpg", cwd=folder)
        packages = list(folder.glob("*.deb"))
        if failure or not packages:
            return None, f"Debian's libsqlite3-mod-virtualpg: {failure or 'nothing came'}"
        failure = quietly("dpkg", "-x", packages[0], folder)
        if failure:
            return None, failure
    version = next(folder.glob("*.deb")).name.split("_")[1]
    return library, version
