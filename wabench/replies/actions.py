"""What a rule's action comes to for one message: the text or template to send, the tag to keep, or a person's turn."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

from wabench.campaigns import templates
from wabench.errors import WabenchError
from wabench.providers.base import Template
from wabench.replies import codes, files, heard, rules
from wabench.replies.answers import first_name, render
from wabench.replies.codes import Pool
from wabench.replies.confirmations import confirmation
from wabench.replies.heard import Inbound, Writer
from wabench.replies.match import Matcher
from wabench.replies.rules import Does, Rule
from wabench.replies.spoken import Command
from wabench.settings import Settings, TemplateSettings

_TEMPLATE_SECONDS = 10.0
"""How soon it is noticed that a template was paused."""
_T = TypeVar("_T")
_Rules = tuple[Matcher, dict[str, Rule]]


@dataclass(frozen=True, slots=True)
class Done:
    """What is done about a message; an empty text says nothing."""

    does: str
    text: str = ""
    template: Template | None = None
    tag: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class _OfFile(Generic[_T]):
    """What was read of a file, read again once it is another; one that can't be read is `nothing` until it can."""

    path: Callable[[], Path]
    read: Callable[[Path], _T]
    nothing: _T
    mark: object = None
    value: _T | None = None

    def get(self) -> _T:
        path = self.path()
        stat = path.stat() if path.exists() else None
        mark = (path, stat and (stat.st_mtime_ns, stat.st_size, stat.st_ino))
        if self.value is None or mark != self.mark:
            self.value, self.mark = self._read(path), mark
        return self.value

    def _read(self, path: Path) -> _T:
        try:
            return self.read(path)
        except WabenchError:
            return self.nothing


class Shop:
    """A shop's rules, promo codes and templates as they are now: who edits them need not start anything anew."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        own = settings.paths.replies
        self._rules: _OfFile[_Rules] = _OfFile(
            lambda: own if own.exists() else files.RULES_SEED, _rules, (Matcher(()), {})
        )
        self._codes = _OfFile(lambda: settings.paths.promo_codes, codes.read, Pool(()))
        self._templates: dict[tuple[str, str], tuple[float, TemplateSettings]] = {}

    @property
    def matcher(self) -> Matcher:
        return self._rules.get()[0]

    @property
    def codes(self) -> Pool:
        return self._codes.get()

    def rule(self, name: str | None) -> Rule | None:
        """Give a rule by its name, where it is there still."""
        return self._rules.get()[1].get(name or "")

    def confirmed(self, inbound: Inbound, command: Command) -> Done:
        """Say that a command was understood."""
        return Done(heard.CONFIRMS, confirmation(command, inbound.text))

    def template(self, name: str, provider: str) -> TemplateSettings:
        """Find a template that may be sent, as it was some seconds ago; raises WabenchError where there is none."""
        at, found = self._templates.get((name, provider), (0.0, None))
        if found is None or at + _TEMPLATE_SECONDS < monotonic():
            found = templates.approved(self._settings, name, provider)
            self._templates[name, provider] = monotonic(), found
        return found


def said(shop: Shop, rule: Rule, inbound: Inbound, writer: Writer, code: str | None) -> Done:
    """Make a rule's action ready for one message; without a code to give, a person takes over."""
    match rule.action:
        case Does.TAG:
            return Done(Does.TAG, tag=rule.answer)
        case Does.TEMPLATE:
            return _of_template(shop, rule, inbound, writer)
        case Does.PROMO_CODE if code is None:
            return Done(Does.HAND_OVER, reason="no promo code is left")
    return Done(rule.action, render(rule.answer, writer.name, {"code": code} if code else None))


def _of_template(shop: Shop, rule: Rule, inbound: Inbound, writer: Writer) -> Done:
    """Fill the one variable a template may have with the first name; a person takes over where it can't be sent."""
    try:
        found = shop.template(rule.answer, inbound.provider)
        variables = templates.variables(found.body)
    except WabenchError as error:
        return Done(Does.HAND_OVER, reason=str(error))
    name = first_name(writer.name)
    if variables and (len(variables) > 1 or not name):
        return Done(Does.HAND_OVER, reason=f"template {rule.answer!r}: variables missing or empty")
    parameters = dict.fromkeys(variables, name)
    template = Template(
        name=rule.answer,
        language=found.language,
        category=found.category,
        parameters=parameters,
        is_named=not all(key.isdigit() for key in parameters),
        provider_id=found.ids.get(inbound.provider, ""),
    )
    return Done(Does.TEMPLATE, templates.fill(found.body, parameters), template)


def _rules(path: Path) -> _Rules:
    found, _ = rules.check(files.read(path).records)
    return Matcher(found), {rule.rule: rule for rule in found}
