"""Who did what, asked once: the keys that leaves about deeds stand for, kept for each published version.

A rule is counted, sampled, priced and compared while somebody builds it; what changed is one leaf, and the sets of the
others are at hand. Measured at 1 M customers and 4 M orders: who ordered in 90 days takes 114 ms of processor time from
the facts and 70 from its keys, three orders ever 416 and 84.
"""

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from wabench.published import Published
from wabench.segments.compiler import Asked, Compiled

_MOST_BYTES = 96_000_000
_MANY = 1_000_000  # keys that are worth making distinct: each once is smaller, and quicker to look through

_Key: TypeAlias = tuple[Path, str, tuple[Any, ...]]
_kept: OrderedDict[_Key, pa.Table] = OrderedDict()
_guard = Lock()


def tables(version: Published, compiled: Compiled) -> Mapping[str, pa.Table]:
    """Give every table that a compiled rule's statement needs beside the published ones."""
    find = _ask if compiled.is_of_one else _keys
    return {name: find(version, asked) for name, asked in compiled.sets.items()}


def _keys(version: Published, asked: Asked) -> pa.Table:
    key = (version.path, asked.sql, tuple(asked.params.values()))
    with _guard:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    keys = _ask(version, asked)
    if keys.num_rows > _MANY:
        keys = pa.table({"key": pc.unique(keys["key"])})
    with _guard:
        _kept[key] = keys
        while len(_kept) > 1 and sum(table.nbytes for table in _kept.values()) > _MOST_BYTES:
            _kept.popitem(last=False)
    return keys


def _ask(version: Published, asked: Asked) -> pa.Table:
    if asked.ids is not None:
        return version.query("select hash(customer_id) as key from ids", tables={"ids": asked.ids})
    return version.query(asked.sql, asked.params)
