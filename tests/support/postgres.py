"""A PostgreSQL of the test's own: apt's, with its data in a temporary folder, on a socket alone, gone at the end."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

MISSING = "no PostgreSQL here: install it (Debian: apt-get install postgresql)"
_numbers = count()


class Server:
    """A server that is up; `user` is the one it runs as where we are root, which it refuses to be."""

    def __init__(self, folder: Path, user: str | None) -> None:
        self.folder, self._user = folder, user

    def database(self, **defaults: str) -> str:
        """Make an empty database, with defaults of its own; gives its address as a ledger's."""
        name = f"ledger{next(_numbers)}"
        self.sql(f"create database {name}")
        for setting, value in defaults.items():
            self.sql(f"alter database {name} set {setting} = '{value}'")
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def sql(self, statement: str) -> str:
        """Run a statement as whoever owns everything; gives what it answered."""
        command = ["psql", "-h", str(self.folder), "-U", "postgres", "-d", "postgres", "-Atqc", statement]
        return self.run(command).strip()

    def run(self, command: Sequence[str]) -> str:
        """Run one of PostgreSQL's programs; fails the test where it fails."""
        path = f"{bin_folder()}:{os.environ['PATH']}"
        done = subprocess.run(
            command, user=self._user, group=self._user and _group(self._user), extra_groups=[] if self._user else None,
            env={"PATH": path, "LC_ALL": "C.UTF-8"}, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout


@contextmanager
def serving() -> Iterator[Server]:
    """Keep a server up for a `with` block. Its folder is not pytest's: others than us can't look into those."""
    user = _other_than_root()
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if user:
        shutil.chown(folder, user, _group(user))
    server, data = Server(folder, user), folder / "data"
    try:
        server.run(["initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"])
        options = f"-k {folder} -c listen_addresses= -c max_connections=50"
        server.run(["pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start"])
        try:
            yield server
        finally:
            server.run(["pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop"])
    finally:
        shutil.rmtree(folder)


def bin_folder() -> Path:
    """Find PostgreSQL's programs: on the PATH, else where Debian keeps them; skips the test where there are none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not kept:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(MISSING)
    return kept[-1].parent


def _other_than_root() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _group(user: str) -> int:
    return pwd.getpwnam(user).pw_gid
