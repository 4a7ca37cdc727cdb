"""Everything the app says is said in every language, whole, with the same values in it."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from wabench import words

APP = Path(__file__).parents[2] / "app"
SCRIPTS = sorted(APP.rglob("*.py"))
SHOWS = {
    "title", "header", "subheader", "caption", "markdown", "write", "text", "info", "warning", "error", "success",
    "toast", "button", "download_button", "form_submit_button", "link_button", "checkbox", "toggle", "radio",
    "selectbox", "multiselect", "text_input", "text_area", "number_input", "slider", "select_slider", "date_input",
    "time_input", "pills", "segmented_control", "expander", "popover", "metric", "status", "spinner", "page_link",
    "section", "nothing", "heading", "windowed_heading", "Figure",
}  # fmt: skip
SAYS = {"_": 1, "N_": 1, "n_": 2}
LANGUAGES = words.languages()[1:]


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


def said(path: Path) -> set[tuple[str, ...]]:
    found = set()
    for name, call in calls(path):
        texts = tuple(arg.value for arg in call.args[: SAYS.get(name, 0)] if isinstance(arg, ast.Constant))
        if texts:
            found.add(texts)
    return found


def values(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_nothing_is_shown_that_has_no_translation(path: Path) -> None:
    bare = [
        f"{path.name}:{call.lineno}: {ast.unparse(call.args[0])}"
        for name, call in calls(path)
        if name in SHOWS
        and call.args
        and isinstance(call.args[0], ast.Constant | ast.JoinedStr)
        and any(
            isinstance(part, ast.Constant)
            and isinstance(part.value, str)
            and re.search(r"[A-Za-z]{2}", _plain(part.value))
            for part in ([call.args[0]] if isinstance(call.args[0], ast.Constant) else call.args[0].values)
        )
    ]
    assert bare == []


def _plain(text: str) -> str:
    """Leave out what is no word: icons, colours, code and the names of things."""
    return re.sub(r":[a-z]+(\[|/[a-z_]+:)|`[^`]*`|\bCSV\b|\bwabench\b", "", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_everything_said_has_its_words(path: Path, language: str) -> None:
    catalog = words.catalog(language)
    missing = [texts for texts in said(path) if not _has(catalog, texts)]
    assert missing == []


def _has(catalog: gettext.NullTranslations, texts: tuple[str, ...]) -> bool:
    if len(texts) == 2:
        return all(catalog.ngettext(*texts, count) not in texts for count in (1, 2, 5))
    return texts[0] == catalog.gettext(texts[0]) == "ROI" or catalog.gettext(texts[0]) != texts[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_same_values_and_no_old_text(language: str) -> None:
    known = {text for path in SCRIPTS for texts in said(path) for text in texts}
    wrong = []
    for path in sorted((words.LOCALES / language).glob("*.po")):
        with path.open("rb") as file:
            messages = [message for message in read_po(file, locale=language) if message.id]
        for message in messages:
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            told = message.string if isinstance(message.string, tuple) else (message.string,)
            wrong += [f"{path.name}: {text}" for text in told if not text or values(text) != values(ids[-1])]
            wrong += [
                f"{path.name}: nobody says {ids[0]}" for _ in [0] if path.stem != "values" and ids[0] not in known
            ]
    assert wrong == []


def test_a_language_is_found_for_a_browser_and_english_for_others() -> None:
    assert words.nearest("ru-RU") == "ru"
    assert words.nearest("pt-BR") == words.nearest(None) == words.nearest("") == "en"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_said_the_same_way_wherever_it_stands(language: str) -> None:
    told: dict[object, set[object]] = {}
    for path in sorted((words.LOCALES / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                told.setdefault(message.id, set()).add(message.string)
    assert {text: strings for text, strings in told.items() if text and len(strings) > 1} == {}
