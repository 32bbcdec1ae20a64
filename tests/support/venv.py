"""The other Python environments: one per file of tests/requirements, made by ./check."""
from support import sqlite
from support.paths import BUILD


def run(name, script, *args, timeout=120, env=None):
    """Runs Python text in build/venv-NAME; gives (out, err, code)."""
    return command(name, "python", "-c", script, *args, timeout=timeout, env=env)


def command(name, program, *args, timeout=120, env=None):
    """Runs a program of build/venv-NAME; gives (out, err, code)."""
    return sqlite.command([BUILD / f"venv-{name}" / "bin" / program, *args], env, timeout=timeout)
