"""A message's text as rules compare it: case, ё, punctuation, emoji, spaces and the endings of words don't count."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from threading import Lock

import snowballstemmer  # type: ignore[import-untyped]

LANGUAGES: Mapping[str, str] = {"ru": "russian", "en": "english", "pt": "portuguese", "es": "spanish"}
"""The languages a rule may name, and whose stemmer that is; a rule without one goes by the letters."""
LONGEST = 4096
"""WhatsApp's own limit of a text; more of one is not looked at."""

_WORD = re.compile(r"[^\W_]+")
_CYRILLIC = re.compile(r"[а-я]")
_FLEETING = re.compile(r"(?<=..)[ое](?=к$)")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufe0e\ufe0f\ufeff\U0001f3fb-\U0001f3ff]")
_guard = Lock()


def lowered(text: str) -> str:
    """Give a text in lower case, ё as е, spaces as single ones and without what nobody sees; punctuation stays."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text[:LONGEST]))
    return " ".join(plain.casefold().replace("ё", "е").split())


def words(text: str) -> list[str]:
    """List the words of a text that `lowered` gave."""
    return _WORD.findall(text)


def plain(text: str) -> str:
    """Give the words of a text with single spaces between; of one that has none (👍, ???) its signs."""
    low = lowered(text)
    return " ".join(words(low)) or low.replace(" ", "")


def stems(text: str, language: str = "") -> tuple[str, ...]:
    """Give the stems of a text's words; of one that has none its signs, as one stem."""
    low = lowered(text)
    return tuple(stem(word, language) for word in words(low)) or ((low.replace(" ", ""),) if low else ())


@lru_cache(1 << 16)
def stem(word: str, language: str = "") -> str:
    """Give what the forms of a word have in common, in a language, or in that of its letters: Russian or English.

    The vowel of «скидок» that «скидка» lacks is taken out, which no stemmer does. Accents don't count: many write none.
    """
    chosen = language or ("ru" if _CYRILLIC.search(word) else "en")
    with _guard:  # a stemmer keeps the word it is at in itself
        found = _stemmer(chosen)(word)
    return _FLEETING.sub("", found) if chosen == "ru" else _without_accents(found)


@lru_cache
def _stemmer(language: str) -> Callable[[str], str]:
    made: Callable[[str], str] = snowballstemmer.stemmer(LANGUAGES[language]).stemWord
    return made


def _without_accents(word: str) -> str:
    if word.isascii() or _CYRILLIC.search(word):
        return word
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
