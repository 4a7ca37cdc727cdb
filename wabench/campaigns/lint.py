"""What reviewers would refuse in a template, found before it is submitted: pure rules, one function each.

Rules of the variables are Meta's, as Twilio documents them (Using Variables with Content Templates); reviewers look at
the words, of which a marketer keeps the list in seeds/template_words.csv.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Literal

from wabench.errors import WabenchError
from wabench.providers.base import TemplateDraft
from wabench.settings import ROOT

BODY_LENGTH = 1024
READ_BEST = range(20, 31)
"""Characters that are read most, by the trade's figures."""
NAMED_WITHIN = 25
"""Characters that a preview on a locked phone shows for certain."""

_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3}|_[A-Z][a-z]{3}|_[0-9]{3})?")
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_VARIABLE_NAME = re.compile(r"[0-9]+|[a-z][a-z0-9_]*")
_ADJACENT = re.compile(r"\{\{\s*(\w+)\s*\}\}[\s]*\{\{\s*(\w+)\s*\}\}")
_BRACES = re.compile(r"[{}]")
_LINK = re.compile(r"https?://|\bwww\.", re.IGNORECASE)
_FILE = re.compile(r"(?:https?://|\bwww\.)\S+\.(pdf|docx?|xlsx?|pptx?|zip)\b", re.IGNORECASE)
_MOST_VARIABLES, _LONGEST_VARIABLE = 100, 16  # Twilio's; the narrowest of the four


class Severity(StrEnum):
    """What a finding means for the review."""

    ERROR = "error"  # it will be refused
    WARNING = "warning"  # it may be
    HINT = "hint"  # it would do better otherwise


@dataclass(frozen=True, slots=True)
class Text:
    """What a rule says when it finds something, and what to do then; `{name}` is filled from a finding's values."""

    severity: Severity
    what: str
    do: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to change, as a rule of `TEXTS` and its values, so that it can be said in any language."""

    rule: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        return TEXTS[self.rule].severity

    @property
    def what(self) -> str:
        """Say in English what was found."""
        return said(TEXTS[self.rule].what, self.values)

    @property
    def do(self) -> str:
        """Say in English what to do."""
        return said(TEXTS[self.rule].do, self.values)


def said(text: str, values: Mapping[str, object]) -> str:
    """Fill a text; one that has nothing to fill may have braces of its own."""
    return text.format(**values) if values else text


@dataclass(frozen=True, slots=True)
class Word:
    """Words that get templates refused: `promotional` ones only where the category is not marketing."""

    words: str
    language: str
    kind: Literal["promotional", "forbidden"]
    meaning: str


Rule = Callable[[TemplateDraft], Iterator[Finding]]


def lint(
    draft: TemplateDraft, words: Sequence[Word], takes_names: bool = True, asking: Sequence[str] = ()
) -> list[Finding]:
    """Find what stands against a template, worst first; `takes_names`: the provider has named variables.

    `asking` are words that ask for something, by default those of seeds/call_to_action_words.csv.
    """
    rules: list[Rule] = [*_RULES, partial(_words, words), partial(_call_to_action, asking or read_asking())]
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


@cache
def read_asking(path: Path = ROOT / "seeds" / "call_to_action_words.csv") -> tuple[str, ...]:
    """Read the words by which the models tell that a text asks for something."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(row["words"] for row in csv.DictReader(file))


def _kind(text: str) -> Literal["promotional", "forbidden"]:
    match text:
        case "promotional" | "forbidden":
            return text
    raise ValueError(f"kind is promotional or forbidden, not {text!r}")


def _name(draft: TemplateDraft) -> Iterator[Finding]:
    if not _NAME.fullmatch(draft.name):
        yield Finding("name", {"name": repr(draft.name)})


def _language(draft: TemplateDraft) -> Iterator[Finding]:
    if not _LANGUAGE.fullmatch(draft.language):
        yield Finding("language", {"language": repr(draft.language)})


def _length(draft: TemplateDraft) -> Iterator[Finding]:
    length = len(_filled(draft))
    if not draft.body.strip():
        yield Finding("empty")
    elif len(draft.body) > BODY_LENGTH:
        sizes = {"length": len(draft.body), "most": BODY_LENGTH, "over": len(draft.body) - BODY_LENGTH}
        yield Finding("too_long", sizes)
    elif length not in READ_BEST and draft.category == "marketing":
        yield Finding("length", {"length": length, "from_": READ_BEST.start, "to": READ_BEST.stop - 1})


def _opening(draft: TemplateDraft) -> Iterator[Finding]:
    if draft.category == "marketing" and draft.body.strip() and not _VARIABLE.search(draft.body.strip()[:NAMED_WITHIN]):
        yield Finding("name_first", {"characters": NAMED_WITHIN})


def _call_to_action(asking: Sequence[str], draft: TemplateDraft) -> Iterator[Finding]:
    text = f" {_spelt(draft.body)} "
    asks = _LINK.search(draft.body) or any(f" {_spelt(words)} " in text for words in asking)
    if draft.category == "marketing" and draft.body.strip() and not asks:
        yield Finding("call_to_action")


def _file(draft: TemplateDraft) -> Iterator[Finding]:
    if found := _FILE.search(_filled(draft)):
        yield Finding("file", {"kind": found[1].upper()})


def _braces(draft: TemplateDraft) -> Iterator[Finding]:
    if _BRACES.search(_VARIABLE.sub("", draft.body)):
        yield Finding("braces")


def _variable_names(draft: TemplateDraft) -> Iterator[Finding]:
    names = _variables(draft)
    numbers = sorted(int(name) for name in names if name.isdigit())
    if numbers and len(numbers) < len(names):
        yield Finding("mixed")
    elif numbers and numbers != list(range(1, len(numbers) + 1)):
        gap = next(n for n in range(1, len(numbers) + 1) if n not in numbers)
        yield Finding("gap", {"variable": _written(str(gap))})
    for name in names:
        if not _VARIABLE_NAME.fullmatch(name) or len(name) > _LONGEST_VARIABLE:
            yield Finding("variable_name", {"name": repr(name), "most": _LONGEST_VARIABLE})


def _variable_places(draft: TemplateDraft) -> Iterator[Finding]:
    text = draft.body.strip()
    if _VARIABLE.match(text):
        yield Finding("begins")
    ends = list(_VARIABLE.finditer(text))
    if ends and not re.search(r"\w", text[ends[-1].end() :]):
        yield Finding("ends")
    if pair := _ADJACENT.search(text):
        yield Finding("adjacent", {"one": _written(pair[1]), "other": _written(pair[2])})


def _variable_count(draft: TemplateDraft) -> Iterator[Finding]:
    count = len(_VARIABLE.findall(draft.body))
    words = len([word for word in _VARIABLE.sub(" ", draft.body).split() if re.search(r"\w", word)])
    if count > _MOST_VARIABLES:
        yield Finding("many", {"count": count, "most": _MOST_VARIABLES})
    elif count and words < 2 * count + 1:
        yield Finding("dense", {"count": count, "words": words, "least": 2 * count + 1})


def _examples(draft: TemplateDraft) -> Iterator[Finding]:
    names = _variables(draft)
    if missing := [name for name in names if not draft.examples.get(name, "").strip()]:
        example = ", ".join(f'{name} = "…"' for name in missing)
        yield Finding("no_example", {"names": ", ".join(missing), "example": example, "template": draft.name})
    if extra := sorted(set(draft.examples) - set(names)):
        yield Finding("extra_example", {"names": ", ".join(extra)})


def _authentication(draft: TemplateDraft) -> Iterator[Finding]:
    if draft.category == "authentication":
        yield Finding("authentication")


def _words(words: Sequence[Word], draft: TemplateDraft) -> Iterator[Finding]:
    text = _plain(_VARIABLE.sub(" ", draft.body))
    seen: set[str] = set()
    for word in words:
        if _plain(word.words) in seen or not _is_said(word, text, draft.language):
            continue
        seen.add(_plain(word.words))
        told = {"words": repr(word.words), "meaning": word.meaning}
        if word.kind == "forbidden":
            yield Finding("forbidden", told)
        elif draft.category == "marketing":
            yield Finding("promotional", told)
        else:
            yield Finding("promotional_elsewhere", {**told, "category": draft.category})


def _is_said(word: Word, text: str, language: str) -> bool:
    if word.language and word.language != language.split("_")[0]:
        return False
    return bool(re.search(rf"(?<!\w){re.escape(_plain(word.words))}(?!\w)", text))


def _numbers_only(draft: TemplateDraft) -> Iterator[Finding]:
    if any(not name.isdigit() for name in _variables(draft)):
        yield Finding("numbers_only")


def _written(variable: str) -> str:
    return f"{{{{{variable}}}}}"


def _variables(draft: TemplateDraft) -> list[str]:
    return list(dict.fromkeys(_VARIABLE.findall(draft.body)))


def _filled(draft: TemplateDraft) -> str:
    return _VARIABLE.sub(lambda found: draft.examples.get(found[1], found[0]), draft.body)


def _spelt(text: str) -> str:
    """Leave a text's words alone, as the model that measures them does."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())


_RULES: tuple[Rule, ...] = (
    _name, _language, _length, _opening, _file, _braces, _variable_names, _variable_places, _variable_count, _examples,
    _authentication,
)  # fmt: skip
_E, _W, _H = Severity.ERROR, Severity.WARNING, Severity.HINT
TEXTS: Mapping[str, Text] = {
    "name": Text(_E, "the name {name} is none a provider takes",
                 "write it in lower-case letters, digits and underscores, 512 at most"),
    "language": Text(_E, "{language} is no language code", "write it like en, en_US or pt_BR"),
    "empty": Text(_E, "the body is empty", "write the text"),
    "too_long": Text(_E, "the body has {length} characters, {most} at most", "take out {over} characters"),
    "length": Text(_H, "with its examples the text has {length} characters",
                   "{from_} to {to} with the name first are read most: put what matters there"),
    "name_first": Text(_H, "nobody is named in its first {characters} characters",
                       "begin with the customer's name, after a word such as Hi"),
    "call_to_action": Text(_H, "it asks for nothing and leads nowhere",
                           "say what to do now: reply with a word, or follow a link"),
    "file": Text(_H, "it leads to a file ({kind})",
                 "link to a page: it opens at once on a phone, and who follows it is seen"),
    "braces": Text(_E, "a brace belongs to no variable", "write variables as {{1}} or {{first_name}}"),
    "mixed": Text(_E, "numbered and named variables are mixed", "use numbers only, or names only"),
    "gap": Text(_E, "the numbers have a gap: {variable} is missing", "number them 1, 2, 3"),
    "variable_name": Text(_E, "the variable {name} has a name that is not taken everywhere",
                          "use lower-case letters, digits and underscores, {most} at most"),
    "begins": Text(_E, "the body begins with a variable", "put a word before it, such as Hi"),
    "ends": Text(_E, "the body ends with a variable", "put words after it; a full stop alone does not count"),
    "adjacent": Text(_E, "{one} and {other} stand next to each other",
                     "put a word between them, or make them one variable"),
    "many": Text(_E, "{count} variables, {most} at most", "use fewer"),
    "dense": Text(_W, "{count} variables among {words} words are too many for the length",
                  "write at least {least} words of your own around them, or use fewer"),
    "no_example": Text(_E, "no example for {names}",
                       "reviewers want a value for each: examples = {{ {example} }} in [templates.{template}]"),
    "extra_example": Text(_W, "an example for {names}, which the body has not", "take it out"),
    "authentication": Text(_W, "an authentication template has no text of one's own",
                           "send codes with the provider's own text; anything else is utility or marketing"),
    "forbidden": Text(_E, "{words}: {meaning}", "say it without"),
    "promotional": Text(_W, "{words}: {meaning}",
                        "say what there is for the customer instead; such templates fail more"),
    "promotional_elsewhere": Text(_E, "{words}: {meaning}",
        "make the category marketing, or say it without: {category} is for what the customer awaits"),
    "numbers_only": Text(_E, "this provider has no named variables", "number them: {{1}}, {{2}}"),
}  # fmt: skip
"""What each rule says."""
