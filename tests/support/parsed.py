"""What dbt has parsed of the project, lent to each new home: a third of a small build's work, and the same for all.

dbt looks at the checksum of every file itself, so what is out of date is parsed anew.
"""

import os
import shutil
from pathlib import Path

from wabench.settings import ROOT

_KEPT = ROOT / ".pytest_cache" / "parsed.msgpack"


def _of(home: Path) -> Path:
    return home / "data" / "dbt" / "target" / "partial_parse.msgpack"


def lend(home: Path) -> None:
    """Give a home that never built what another has parsed, if one has."""
    own = _of(home)
    if _KEPT.exists() and not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_KEPT, own)


def keep(home: Path) -> None:
    """Keep what a home has parsed, unless it is kept already; several processes may do so at once."""
    files = (path for name in ("models", "macros", "seeds", "tests/dbt") for path in (ROOT / name).rglob("*"))
    newest = max(path.stat().st_mtime for path in files)
    if not _of(home).exists() or (_KEPT.exists() and _KEPT.stat().st_mtime > newest):
        return
    _KEPT.parent.mkdir(exist_ok=True)
    mine = _KEPT.with_suffix(f".{os.getpid()}")
    shutil.copy(_of(home), mine)
    mine.replace(_KEPT)
