"""Bodies as values, for every provider that posts JSON: nothing that is JSON is lost."""

import json
from hashlib import blake2b
from typing import Any

import msgspec

from wabench.providers.errors import Unparsable


def decode(body: bytes) -> Any:
    """Read a body; raises Unparsable where the bytes are no JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(mended(body))


def mended(body: bytes) -> bytes:
    """Replace halves of surrogate pairs, which JSON allows and UTF-8 does not; raises Unparsable for anything else."""
    try:
        mended = json.dumps(json.loads(body), ensure_ascii=False).encode(errors="replace")
        msgspec.json.decode(mended)
    except (ValueError, RecursionError) as error:
        raise Unparsable(f"not JSON: {error or 'nested too deeply'}") from None
    return mended


def digest(content: object) -> str:
    """Name a content by its bytes, for an event that has no id of its own."""
    return blake2b(msgspec.json.encode(content, order="deterministic"), digest_size=16).hexdigest()
