"""Who was erased, so that they do not come back by a CRM that still has them: `data/erased.json`, hashes alone.

An identity is kept as twelve bits of a keyed hash and as scrypt of it, with the shop's own random key and salt. The
bits let all but one in 4,096 pass without the slow hash; what they give away leaves millions of phones to be tried, at
some 20 ms each.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from wabench.disk import appearing, make_folder
from wabench.settings import Settings

_COST, _BLOCKS = 2**13, 8
_FILE = "erased.json"


@dataclass(frozen=True, slots=True)
class Erased:
    """The list as it is on disk: a key, a salt, and by mark each identity's slow hash and when it was erased."""

    key: bytes
    salt: bytes
    hashes: dict[str, dict[str, datetime]]

    def erased_at(self, identity: str) -> datetime | None:
        """Tell when an identity, as the models write it, was erased; None where it was not."""
        candidates = self.hashes.get(_mark(self.key, identity))
        return candidates.get(_slow(self.salt, identity)) if candidates else None

    def found(self, identities: Iterable[str]) -> frozenset[str]:
        """Give those of some identities that were erased."""
        return frozenset(each for each in set(identities) if self.erased_at(each)) if self.hashes else frozenset()


def read(settings: Settings) -> Erased:
    """Read the list; an empty one where nobody was erased."""
    try:
        kept = json.loads(_path(settings).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Erased(secrets.token_bytes(32), secrets.token_bytes(16), {})
    hashes: dict[str, dict[str, datetime]] = {}
    for mark, slow, at in kept["erased"]:
        hashes.setdefault(mark, {})[slow] = datetime.fromisoformat(at)
    return Erased(bytes.fromhex(kept["key"]), bytes.fromhex(kept["salt"]), hashes)


def add(settings: Settings, identities: Iterable[str], now: datetime) -> list[str]:
    """Put identities on the list; gives their slow hashes."""
    known = read(settings)
    hashes = {each: slow(known, each) for each in identities}
    for identity, hashed in hashes.items():
        known.hashes.setdefault(_mark(known.key, identity), {})[hashed] = now
    _write(settings, known)
    return sorted(hashes.values())


def slow(known: Erased, identity: str) -> str:
    """Give the slow hash of an identity, as receipts have it."""
    return _slow(known.salt, identity)


def lift(settings: Settings, known: Erased, identities: Iterable[str]) -> None:
    """Take identities off the list, here and on disk: their person has come back by themselves."""
    for identity in identities:
        known.hashes.get(_mark(known.key, identity), {}).pop(slow(known, identity), None)
    _write(settings, known)


def _write(settings: Settings, known: Erased) -> None:
    rows = sorted([mark, slow, at.isoformat()] for mark, each in known.hashes.items() for slow, at in each.items())
    content: dict[str, Any] = {"key": known.key.hex(), "salt": known.salt.hex(), "erased": rows}
    path = _path(settings)
    make_folder(path.parent)
    with appearing(path) as file:
        file.write(json.dumps(content, indent=1).encode())
    path.chmod(0o600)


def _path(settings: Settings) -> Path:
    return settings.paths.data / _FILE


def _mark(key: bytes, identity: str) -> str:
    return hmac.new(key, identity.encode(), "sha256").hexdigest()[:3]


@lru_cache(maxsize=4096)
def _slow(salt: bytes, identity: str) -> str:
    return hashlib.scrypt(identity.encode(), salt=salt, n=_COST, r=_BLOCKS, p=1, dklen=16).hex()
