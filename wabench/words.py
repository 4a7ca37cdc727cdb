"""The app's words in other languages: gettext catalogs under `app/locale`, one `.po` a page, read when first needed.

English is the language the pages are written in and needs none. A word without a translation stays English.
"""

import gettext
from functools import cache
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from wabench.settings import ROOT

LOCALES = ROOT / "app" / "locale"
ENGLISH = "en"


@cache
def languages() -> tuple[str, ...]:
    """List the languages there are, English first."""
    return (ENGLISH, *sorted(folder.name for folder in LOCALES.iterdir() if folder.is_dir()))


def nearest(locale: str | None) -> str:
    """Choose a language for a browser's locale, such as `ru-RU`; English where we have none."""
    language = (locale or "").partition("-")[0].lower()
    return language if language in languages() else ENGLISH


@cache
def catalog(language: str) -> gettext.NullTranslations:
    """Give a language's words, of all its pages together."""
    words = gettext.NullTranslations()
    for path in sorted((LOCALES / language).glob("*.po")):
        compiled = BytesIO()
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=language))
        compiled.seek(0)
        page = gettext.GNUTranslations(compiled)
        page.add_fallback(words)
        words = page
    return words
