"""What somebody may have meant by a name that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches


def hint(word: str, names: Iterable[str]) -> str:
    """Continue an error message with the nearest existing name, or, where none is near, with all if they are few."""
    by_lower = {str(name).lower(): str(name) for name in names}
    if near := get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6):
        return f"; did you mean {by_lower[near[0]]!r}?"
    return f"; there are {', '.join(by_lower.values())}" if 0 < len(by_lower) <= 20 else ""
