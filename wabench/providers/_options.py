"""Reading a provider's options: what stands there is taken as it is written or refused, never quietly passed over."""

from math import isfinite

from wabench.providers.base import Options

USUAL_PACE = 80.0
"""Messages a second that Meta grants a number; no provider states another rate for all."""


def pace(options: Options) -> float:
    """Give `messages_per_second`, or the usual; raises ValueError for what is no number above zero."""
    given = options.get("messages_per_second", "")
    if not given:
        return USUAL_PACE
    try:
        number = float(given)
    except ValueError:
        number = 0
    if not (isfinite(number) and number > 0):
        raise ValueError(f"messages_per_second is a number above zero, not {given!r}")
    return number


def one_of(options: Options, key: str, *words: str, usual: str = "") -> str:
    """Give an option that is one of these words, or the usual; raises ValueError with the words for any other."""
    given = options.get(key, "") or usual
    if given not in (*words, usual):
        raise ValueError(f"{key} is {' or '.join(words)}, not {given!r}")
    return given
