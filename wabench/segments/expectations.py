"""What a shop expects of a segment, the `expect:` of its file: bounds that `wabench segment check` holds it to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wabench.segments.deeds import whole
from wabench.segments.rules import read_word
from wabench.spelling import hint

_KEYS = ("at_least", "at_most", "drift", "no_opted_out")
_SHARE = re.compile(r"(\d{1,4}(?:\.\d+)?)\s*%")


@dataclass(frozen=True, slots=True)
class Expect:
    """How many customers it may have, by how much that may differ from before, and whether who opted out may be there.

    `drift` is a percentage of the size it had in the published version before.
    """

    at_least: int | None = None
    at_most: int | None = None
    drift: float | None = None
    no_opted_out: bool = False


NOTHING = Expect()


def parse(node: object, problems: list[str]) -> Expect:
    """Read an `expect:`; what is wrong is added to `problems`."""
    if node is None:
        return NOTHING
    if not isinstance(node, Mapping):
        problems.append(f"expect: expected {', '.join(_KEYS)}")
        return NOTHING
    problems += [f"expect: {key!r} is not known here{hint(str(key), _KEYS)}" for key in node if key not in _KEYS]
    read = {key: _read(key, node[key], problems) for key in _KEYS if key in node}
    expect = Expect(**read)  # type: ignore[arg-type]  # each is of its key's type by now
    if expect.at_least is not None and expect.at_most is not None and expect.at_least > expect.at_most:
        problems.append("expect: at_least is more than at_most")
    return expect


def to_data(expect: Expect) -> dict[str, str]:
    """Give it as the mapping its file holds."""
    given = {
        "at_least": None if expect.at_least is None else str(expect.at_least),
        "at_most": None if expect.at_most is None else str(expect.at_most),
        "drift": None if expect.drift is None else f"{expect.drift:g}%",
        "no_opted_out": "yes" if expect.no_opted_out else None,
    }
    return {key: text for key, text in given.items() if text is not None}


def broken(expect: Expect, customers: int, opted_out: int, before: int | None) -> list[str]:
    """Say what of it does not hold for a segment of so many customers, which had `before` in the version before."""
    found = []
    if expect.at_least is not None and customers < expect.at_least:
        found.append(f"expect at_least: it has {customers:,} customers, under {expect.at_least:,}")
    if expect.at_most is not None and customers > expect.at_most:
        found.append(f"expect at_most: it has {customers:,} customers, over {expect.at_most:,}")
    if expect.drift is not None and before is not None:
        change = abs(customers - before) / before * 100 if before else (100.0 if customers else 0.0)
        if change > expect.drift:
            found.append(
                f"expect drift: {customers:,} customers after {before:,} is {change:.1f} %, over {expect.drift:g} %"
            )
    if expect.no_opted_out and opted_out:
        found.append(f"expect no_opted_out: {opted_out:,} of its customers have opted out")
    return found


def _read(key: str, value: object, problems: list[str]) -> int | float | bool | None:
    text = value if isinstance(value, str) else ""
    try:
        if key == "no_opted_out":
            return read_word(text)
        if key != "drift":
            return whole(text)
        share = _SHARE.fullmatch(text)
        if not share:
            raise ValueError(f"expected a percentage such as 30%, not {text!r}")
        return float(share[1])
    except ValueError as error:
        problems.append(f"expect.{key}: {error}")
        return False if key == "no_opted_out" else None
