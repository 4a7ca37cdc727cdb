"""A rule as a word that fits into an address: what somebody sees, another sees by the link."""

import base64
import binascii
import json
import zlib

from wabench.errors import UsageError
from wabench.segments.rules import Rule, parse, to_data

_LONGEST = 32_768  # characters of a rule, unpacked: no rule a person wrote is near it, and a crafted link stops there


def pack(rule: Rule) -> str:
    """Give a rule as a word of letters, digits, - and _."""
    text = json.dumps(to_data(rule), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpack(word: str) -> Rule:
    """Read such a word back; raises UsageError for what is none, or holds no rule."""
    try:
        packed = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
        unpacking = zlib.decompressobj()
        data = json.loads(unpacking.decompress(packed, _LONGEST))
    except (binascii.Error, zlib.error, ValueError):
        raise UsageError("the link holds no rule; it may have been cut short") from None
    problems: list[str] = []
    rule = parse(data, problems)
    if rule is None or problems:
        raise UsageError(f"the link's rule is wrong: {problems[0] if problems else 'it is empty'}")
    return rule
