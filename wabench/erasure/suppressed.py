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
from functools import lru_cache
from pathlib import Path
from typing import Any

from wabench.disk import appearing, make_folder
from wabench.settings import Settings

_COST, _BLOCKS = 2**13, 8
_FILE = "erased.json"


@dataclass(frozen=True, slots=True)
class Erased:
    """The list as it is on disk: a key, a salt, and for each identity its mark and slow hash."""

    key: bytes
    salt: bytes
    hashes: dict[str, frozenset[str]]

    def has(self, identity: str) -> bool:
        """Tell whether an identity, as the models write it, was erased."""
        candidates = self.hashes.get(_mark(self.key, identity))
        return candidates is not None and _slow(self.salt, identity) in candidates

    def found(self, identities: Iterable[str]) -> frozenset[str]:
        """Give those of some identities that were erased."""
        return frozenset(each for each in set(identities) if self.has(each)) if self.hashes else frozenset()


def read(settings: Settings) -> Erased:
    """Read the list; an empty one where nobody was erased."""
    try:
        kept = json.loads(_path(settings).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Erased(secrets.token_bytes(32), secrets.token_bytes(16), {})
    hashes: dict[str, set[str]] = {}
    for mark, slow in kept["erased"]:
        hashes.setdefault(mark, set()).add(slow)
    frozen = {mark: frozenset(each) for mark, each in hashes.items()}
    return Erased(bytes.fromhex(kept["key"]), bytes.fromhex(kept["salt"]), frozen)


def add(settings: Settings, identities: Iterable[str]) -> list[str]:
    """Put identities on the list; gives their slow hashes."""
    known = read(settings)
    pairs = {(_mark(known.key, each), _slow(known.salt, each)) for each in identities}
    _write(settings, known, {*_pairs(known), *pairs})
    return sorted(slow for _, slow in pairs)


def slow(known: Erased, identity: str) -> str:
    """Give the slow hash of an identity, as receipts have it."""
    return _slow(known.salt, identity)


def lift(settings: Settings, identities: Iterable[str]) -> None:
    """Take identities off the list: their person has come back by themselves."""
    known = read(settings)
    gone = {(_mark(known.key, each), _slow(known.salt, each)) for each in identities}
    _write(settings, known, {*_pairs(known)} - gone)


def _pairs(known: Erased) -> Iterable[tuple[str, str]]:
    return ((mark, slow) for mark, hashes in known.hashes.items() for slow in hashes)


def _write(settings: Settings, known: Erased, pairs: Iterable[tuple[str, str]]) -> None:
    content: dict[str, Any] = {"key": known.key.hex(), "salt": known.salt.hex(), "erased": sorted(pairs)}
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
