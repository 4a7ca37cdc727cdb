"""What hides a phone or an e-mail inside a text, for those who may not see whole ones."""

import re

PRIVATE = r"(\+?\d[\d\s().-]{6,}\d|[^\s@]+@[^\s@]+\.[^\s@]+)"
"""For SQL too: both RE2 and Python read it alike."""
HIDDEN = "••••"


def without_identities(text: str) -> str:
    """Hide what may be a phone or an e-mail in a text."""
    return re.sub(PRIVATE, HIDDEN, text)
