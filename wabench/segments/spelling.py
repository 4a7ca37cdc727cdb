"""What somebody may have meant by a name that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches


def hint(word: str, names: Iterable[str]) -> str:
    """Continue an error message with the nearest existing name, or with nothing where none is near."""
    near = get_close_matches(word, list(names), n=1, cutoff=0.6)
    return f"; did you mean {str(near[0])!r}?" if near else ""
