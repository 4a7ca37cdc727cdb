"""Templates between the shop and its providers: read what they have, hand in what they shall have."""

import getpass
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx

from wabench import accounts, providers
from wabench.accounts import Account
from wabench.campaigns import effects, known_templates, ledger, lint, templates
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.lint import Finding
from wabench.errors import Refused, UsageError, WabenchError
from wabench.providers.base import Failed, TemplateDraft, TemplateState
from wabench.settings import Settings
from wabench.spelling import hint

_MOST_CALLS = 5


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync of one provider came to; `error` is the line that says why there was none."""

    provider: str
    templates: int = 0
    gone: int = 0
    error: str | None = None


def sync(
    settings: Settings,
    provider: str | None = None,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
    may_be_empty: bool = False,
    actor: str | None = None,
) -> list[Synced]:
    """Read the templates of a provider, or of all that are set up and list them, in place of what was known.

    One that fails leaves what was known of it and does not stop the others; so does one that lists none though some
    were approved, unless `may_be_empty`. Raises UsageError where none is set up.
    """
    if provider:
        accounts.capabilities(settings, provider)
    names = [provider] if provider else _listing(settings)
    if not names:
        raise UsageError("no provider is set up that lists its templates; see docs/registration.md")
    by = actor or getpass.getuser()
    return [_sync(settings, name, transport, sleep, may_be_empty, by) for name in names]


def _listing(settings: Settings) -> list[str]:
    """List the set-up providers that list their templates; one with a wrong option is among them, to say so."""
    able = [name for name in accounts.configured(settings) if providers.get(name).templates is not None]
    return [name for name in able if accounts.problem(settings, name) or accounts.lists_templates(settings, name)]


def _sync(
    settings: Settings, name: str, transport: httpx.BaseTransport | None, sleep: Callable[[float], None],
    may_be_empty: bool, actor: str,
) -> Synced:  # fmt: skip
    began = datetime.now(UTC)
    if wrong := accounts.problem(settings, name):
        return Synced(name, error=wrong)
    with accounts.opened(settings, name, transport, sleep) as account:
        try:
            listed = accounts.listed(account)
            with ledger.opened(settings) as opened, opened.writing() as connection:
                gone = known_templates.replace(connection, name, listed, actor, began, may_be_empty)
        except WabenchError as error:
            return Synced(name, error=str(error))
    return Synced(name, len(listed), gone)


def draft(settings: Settings, name: str) -> TemplateDraft:
    """Take a template as the shop has written it; raises UsageError with the nearest name."""
    template = settings.templates.get(name)
    if template is None:
        raise UsageError(f"there is no [templates.{name}] in wabench.toml{hint(name, settings.templates)}")
    return TemplateDraft(name, template.language, template.category, template.body, template.examples)


def findings(settings: Settings, name: str | None = None, provider: str | None = None) -> Mapping[str, list[Finding]]:
    """Lint one template of `wabench.toml`, or all; for a provider also what only that one refuses."""
    words = lint.read_words()
    takes_names = provider is None or accounts.capabilities(settings, provider).named_parameters
    names = [name] if name else settings.templates
    return {each: lint.lint(draft(settings, each), words, takes_names) for each in names}


def advice(settings: Settings, campaign: Campaign) -> list[tuple[Finding, str | None]]:
    """Say what would do better in a campaign's texts, each once, with what that was worth here."""
    words, known, found = lint.read_words(), effects.effects(settings), dict[tuple[str, str], Finding]()
    for text in campaign.texts:
        own = settings.templates.get(text.template_name)
        examples = own.examples if own else {}
        draft = TemplateDraft(
            text.template_name, text.language, campaign.category, text.template_body or "", examples
        )  # fmt: skip
        for finding in lint.lint(draft, words):
            if finding.rule in effects.SAYS or finding.rule.startswith("promotional"):
                found.setdefault((finding.rule, finding.what), finding)
    return [(finding, effects.told(finding, known)) for finding in found.values()]


def submit(
    settings: Settings,
    name: str,
    provider: str,
    live: bool = False,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
    actor: str | None = None,
) -> TemplateState:
    """Hand a template in for review and keep it as the provider answered.

    Raises Refused where the lint finds an error, for a real provider without `live`, and for one that is approved.
    """
    wanted = draft(settings, name)
    accounts.find(provider)
    if wrong := [f.what for f in findings(settings, name, provider)[name] if f.severity is lint.Severity.ERROR]:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise Refused(f"template {name!r} would be refused: {wrong[0]}{more}; see `wabench template lint {name}`")
    with accounts.opened(settings, provider, transport, sleep) as account:
        if not live and not accounts.is_rehearsal(account.channel.base_url):
            raise Refused(f"{account.channel.base_url} hands it in for real; say so with --live")
        _must_be_new(settings, wanted, provider)
        state = _submit(account, wanted)
    with ledger.opened(settings) as opened, opened.writing() as connection:
        known_templates.keep(connection, provider, state, actor or getpass.getuser(), datetime.now(UTC))
    return state


def _must_be_new(settings: Settings, wanted: TemplateDraft, provider: str) -> None:
    known = templates.told(settings, wanted.name, provider)
    if any(row.language == wanted.language and row.status in ("approved", "pending", "paused") for row in known):
        what = f"{provider} has template {wanted.name!r} in {wanted.language} already"
        raise Refused(f"{what}; a changed one needs a new name")


def _submit(account: Account, wanted: TemplateDraft) -> TemplateState:
    wire, answers = account.provider.templates, list[httpx.Response]()
    if wire is None:
        raise UsageError(f"{account.provider.name} takes no templates by its API; submit it in the provider's console")
    while len(answers) < _MOST_CALLS:
        with account.building():
            request = wire.submit_request(wanted, account.channel, answers)
        if request is None:
            break
        answers.append(account.ask(request))
        if not answers[-1].is_success:
            break
    return _read(account, wire.read_submitted(answers[-1]), wanted)


def _read(account: Account, state: TemplateState | Failed, wanted: TemplateDraft) -> TemplateState:
    """Complete what was answered by what was handed in: most answers name little more than an id and a status."""
    if isinstance(state, Failed):
        raise WabenchError(f"template {wanted.name!r} was not taken: {account.why(state)}")
    said = {"language": state.language, "category": state.category, "body": state.body}
    known = {key: value or getattr(wanted, key) for key, value in said.items()}
    return replace(state, name=wanted.name, **known)


def known(settings: Settings) -> Sequence[Mapping[str, str | datetime | None]]:
    """List the templates there are: as providers have them, then those only `wabench.toml` has."""
    rows = templates.told(settings)
    shown: list[Mapping[str, str | datetime | None]] = [
        {
            "name": row.name,
            "language": row.language or None,
            "category": row.category or None,
            "status": row.status,
            "quality": row.quality,
            "provider": row.provider,
            "known from": f"{row.provider}, {row.told_at:%Y-%m-%d %H:%M}",
            "variables": ", ".join(templates.listed_variables(row.body)),
            "reason": row.reason,
        }
        for row in rows
    ]
    named = {row.name for row in rows}
    without = ", ".join(name for name in settings.providers if templates.lists_others(settings, name))
    return shown + [
        {
            "name": name,
            "language": template.language,
            "category": template.category,
            "status": "pending" if without and template.status == "approved" else template.status,
            "quality": None,
            "provider": None,
            "known from": "wabench.toml",
            "variables": ", ".join(templates.listed_variables(template.body)),
            "reason": f"not at {without}" if without else None,
        }
        for name, template in settings.templates.items()
        if name not in named
    ]
