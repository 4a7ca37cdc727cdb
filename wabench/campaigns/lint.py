"""What reviewers would refuse in a template, found before it is submitted: pure rules, one function each.

Rules of the variables are Meta's, as Twilio documents them (Using Variables with Content Templates); reviewers look at
the words, of which a marketer keeps the list in seeds/template_words.csv.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Literal

from wabench.errors import WabenchError
from wabench.providers.base import TemplateDraft
from wabench.settings import ROOT

BODY_LENGTH = 1024
READ_BEST = range(20, 31)
"""Characters that are read most, by the trade's figures."""

_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3}|_[A-Z][a-z]{3}|_[0-9]{3})?")
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_VARIABLE_NAME = re.compile(r"[0-9]+|[a-z][a-z0-9_]*")
_ADJACENT = re.compile(r"\{\{\s*(\w+)\s*\}\}[\s]*\{\{\s*(\w+)\s*\}\}")
_BRACES = re.compile(r"[{}]")
_MOST_VARIABLES, _LONGEST_VARIABLE = 100, 16  # Twilio's; the narrowest of the four


class Severity(StrEnum):
    """What a finding means for the review."""

    ERROR = "error"  # it will be refused
    WARNING = "warning"  # it may be
    HINT = "hint"  # it would do better otherwise


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to change; `do` says how."""

    severity: Severity
    what: str
    do: str


@dataclass(frozen=True, slots=True)
class Word:
    """Words that get templates refused: `promotional` ones only where the category is not marketing."""

    words: str
    language: str
    kind: Literal["promotional", "forbidden"]
    meaning: str


Rule = Callable[[TemplateDraft], Iterator[Finding]]


def lint(draft: TemplateDraft, words: Sequence[Word], takes_names: bool = True) -> list[Finding]:
    """Find what stands against a template, worst first; `takes_names`: the provider has named variables."""
    rules: list[Rule] = [*_RULES, partial(_words, words)]
    if not takes_names:
        rules.append(_numbers_only)
    found = [finding for rule in rules for finding in rule(draft)]
    return sorted(found, key=lambda finding: list(Severity).index(finding.severity))


def is_refused(findings: Sequence[Finding]) -> bool:
    """Tell whether there is something that will be refused for certain."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def read_words(path: Path = ROOT / "seeds" / "template_words.csv") -> list[Word]:
    """Read the list of words; raises WabenchError for a line that is not like the others."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        found = [Word(row["words"].strip(), row["language"], _kind(row["kind"]), row["meaning"]) for row in rows]
    except (KeyError, AttributeError, ValueError) as error:
        raise WabenchError(f"{path}: each line has words,language,kind,meaning ({error})") from None
    return [word for word in found if word.words]


def _kind(text: str) -> Literal["promotional", "forbidden"]:
    match text:
        case "promotional" | "forbidden":
            return text
    raise ValueError(f"kind is promotional or forbidden, not {text!r}")


def _name(draft: TemplateDraft) -> Iterator[Finding]:
    if not _NAME.fullmatch(draft.name):
        do = "write it in lower-case letters, digits and underscores, 512 at most"
        yield Finding(Severity.ERROR, f"the name {draft.name!r} is none a provider takes", do)


def _language(draft: TemplateDraft) -> Iterator[Finding]:
    if not _LANGUAGE.fullmatch(draft.language):
        yield Finding(Severity.ERROR, f"{draft.language!r} is no language code", "write it like en, en_US or pt_BR")


def _length(draft: TemplateDraft) -> Iterator[Finding]:
    said = _filled(draft)
    if not draft.body.strip():
        yield Finding(Severity.ERROR, "the body is empty", "write the text")
    elif len(draft.body) > BODY_LENGTH:
        do = f"take out {len(draft.body) - BODY_LENGTH} characters"
        yield Finding(Severity.ERROR, f"the body has {len(draft.body)} characters, {BODY_LENGTH} at most", do)
    elif len(said) not in READ_BEST and draft.category == "marketing":
        do = f"{READ_BEST.start} to {READ_BEST.stop - 1} with the name first are read most: put what matters there"
        yield Finding(Severity.HINT, f"with its examples the text has {len(said)} characters", do)


def _braces(draft: TemplateDraft) -> Iterator[Finding]:
    if _BRACES.search(_VARIABLE.sub("", draft.body)):
        yield Finding(Severity.ERROR, "a brace belongs to no variable", "write variables as {{1}} or {{first_name}}")


def _variable_names(draft: TemplateDraft) -> Iterator[Finding]:
    names = _variables(draft)
    numbers = sorted(int(name) for name in names if name.isdigit())
    if numbers and len(numbers) < len(names):
        yield Finding(Severity.ERROR, "numbered and named variables are mixed", "use numbers only, or names only")
    elif numbers and numbers != list(range(1, len(numbers) + 1)):
        gap = next(n for n in range(1, len(numbers) + 1) if n not in numbers)
        yield Finding(Severity.ERROR, f"the numbers have a gap: {{{{{gap}}}}} is missing", "number them 1, 2, 3")
    for name in names:
        if not _VARIABLE_NAME.fullmatch(name) or len(name) > _LONGEST_VARIABLE:
            do = f"use lower-case letters, digits and underscores, {_LONGEST_VARIABLE} at most"
            yield Finding(Severity.ERROR, f"the variable {name!r} has a name that is not taken everywhere", do)


def _variable_places(draft: TemplateDraft) -> Iterator[Finding]:
    text = draft.body.strip()
    if _VARIABLE.match(text):
        yield Finding(Severity.ERROR, "the body begins with a variable", "put a word before it, such as Hi")
    ends = list(_VARIABLE.finditer(text))
    if ends and not re.search(r"\w", text[ends[-1].end() :]):
        do = "put words after it; a full stop alone does not count"
        yield Finding(Severity.ERROR, "the body ends with a variable", do)
    if pair := _ADJACENT.search(text):
        what = f"{{{{{pair[1]}}}}} and {{{{{pair[2]}}}}} stand next to each other"
        yield Finding(Severity.ERROR, what, "put a word between them, or make them one variable")


def _variable_count(draft: TemplateDraft) -> Iterator[Finding]:
    count = len(_VARIABLE.findall(draft.body))
    words = len([word for word in _VARIABLE.sub(" ", draft.body).split() if re.search(r"\w", word)])
    if count > _MOST_VARIABLES:
        yield Finding(Severity.ERROR, f"{count} variables, {_MOST_VARIABLES} at most", "use fewer")
    elif count and words < 2 * count + 1:
        do = f"write at least {2 * count + 1} words of your own around them, or use fewer"
        yield Finding(Severity.WARNING, f"{count} variables among {words} words are too many for the length", do)


def _examples(draft: TemplateDraft) -> Iterator[Finding]:
    names = _variables(draft)
    if missing := [name for name in names if not draft.examples.get(name, "").strip()]:
        example = ", ".join(f'{name} = "…"' for name in missing)
        do = f"reviewers want a value for each: examples = {{ {example} }} in [templates.{draft.name}]"
        yield Finding(Severity.ERROR, f"no example for {', '.join(missing)}", do)
    if extra := sorted(set(draft.examples) - set(names)):
        yield Finding(Severity.WARNING, f"an example for {', '.join(extra)}, which the body has not", "take it out")


def _authentication(draft: TemplateDraft) -> Iterator[Finding]:
    if draft.category == "authentication":
        do = "send codes with the provider's own text; anything else is utility or marketing"
        yield Finding(Severity.WARNING, "an authentication template has no text of one's own", do)


def _words(words: Sequence[Word], draft: TemplateDraft) -> Iterator[Finding]:
    text = _plain(_VARIABLE.sub(" ", draft.body))
    seen: set[str] = set()
    for word in words:
        if _plain(word.words) in seen or not _is_said(word, text, draft.language):
            continue
        seen.add(_plain(word.words))
        what = f"{word.words!r}: {word.meaning}"
        if word.kind == "forbidden":
            yield Finding(Severity.ERROR, what, "say it without")
        elif draft.category == "marketing":
            yield Finding(
                Severity.WARNING, what, "say what there is for the customer instead; such templates fail more"
            )
        else:
            do = f"make the category marketing, or say it without: {draft.category} is for what the customer awaits"
            yield Finding(Severity.ERROR, what, do)


def _is_said(word: Word, text: str, language: str) -> bool:
    if word.language and word.language != language.split("_")[0]:
        return False
    return bool(re.search(rf"(?<!\w){re.escape(_plain(word.words))}(?!\w)", text))


def _numbers_only(draft: TemplateDraft) -> Iterator[Finding]:
    if any(not name.isdigit() for name in _variables(draft)):
        yield Finding(Severity.ERROR, "this provider has no named variables", "number them: {{1}}, {{2}}")


def _variables(draft: TemplateDraft) -> list[str]:
    return list(dict.fromkeys(_VARIABLE.findall(draft.body)))


def _filled(draft: TemplateDraft) -> str:
    return _VARIABLE.sub(lambda found: draft.examples.get(found[1], found[0]), draft.body)


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())


_RULES: tuple[Rule, ...] = (
    _name, _language, _length, _braces, _variable_names, _variable_places, _variable_count, _examples, _authentication,
)  # fmt: skip
