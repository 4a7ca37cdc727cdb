"""A look at the real thing: each text of a planned campaign, sent to numbers that somebody names, and to nobody else.

It takes the way of a send: the provider's own request on the campaign's channel, refused to who opted out, its outcome
in the audit with the number masked. It is no send of the campaign: who is named may be in it, and gets it then as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx
from sqlalchemy import select

from wabench import __version__, providers
from wabench.campaigns import claims, ledger, runner
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.moves import note
from wabench.campaigns.policy import Consent, newest
from wabench.campaigns.schema import consent
from wabench.errors import Refused, UsageError, WabenchError
from wabench.phones import normalise
from wabench.providers.base import Accepted, Channel, Failed, Message
from wabench.redaction import cleaned
from wabench.settings import Settings

MOST_NUMBERS = 10
_CALLBACK = "wb-trial:"
_PATIENCE = httpx.Timeout(30.0, connect=5.0)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one text to one number; `problem` is None where the provider took it."""

    phone: str
    variant: str
    problem: str | None


def send(
    settings: Settings, name: str, phones: Sequence[str], actor: str, *, live: bool = False,
    transport: httpx.BaseTransport | None = None,
) -> list[Tried]:  # fmt: skip
    """Send each text of a planned campaign, as its first customer would read it, to some numbers.

    Raises UsageError for what is no phone, Refused for a number whose person opted out, for a real provider without
    `live` and where nobody is planned.
    """
    numbers = list(dict.fromkeys(_number(settings, phone) for phone in phones))
    if not 0 < len(numbers) <= MOST_NUMBERS:
        raise UsageError(f"name 1 to {MOST_NUMBERS} numbers to try it on")
    with ledger.opened(settings) as opened, httpx.Client(timeout=_PATIENCE, transport=transport) as client:
        campaign = opened.campaign(name)
        channel = runner.sending_channel(settings, campaign, live)
        _must_not_have_opted_out(opened, numbers)
        messages = sorted(_messages(opened, campaign), key=lambda pair: pair[0])
        if not messages:
            raise Refused(f"campaign {name!r} has nobody to send to; `wabench campaign status {name}` says why")
        return [
            _try(opened, campaign, channel, client, replace(message, phone=phone, user_id=None), variant, actor)
            for phone in numbers
            for variant, message in messages
        ]


def _number(settings: Settings, phone: str) -> str:
    found = normalise(phone, settings.region)
    if found is None:
        raise UsageError(f"{phone!r} is no phone number; write it like +5511987654321")
    return found


def _must_not_have_opted_out(opened: Ledger, numbers: Sequence[str]) -> None:
    said = select(consent.c.phone, consent.c.consent, consent.c.stated_at).where(consent.c.phone.in_(numbers))
    with opened.reading() as connection:
        rows = connection.execute(said).all()
    for phone in numbers:
        if newest(*(Consent(row.consent, row.stated_at) for row in rows if row.phone == phone)).value == "opted_out":
            raise Refused(f"who has the number {_masked(phone)} opted out; nothing is sent there")


def _messages(opened: Ledger, campaign: Campaign) -> Iterator[tuple[str, Message]]:
    """Give the message of the first planned customer of each variant."""
    waiting = {text.variant for text in campaign.texts}
    for row in opened.messages(campaign.campaign_id):
        if (variant := row["variant"] or "") in waiting:
            waiting.remove(variant)
            yield variant, claims.message(row, campaign)
        if not waiting:
            return


def _try(
    opened: Ledger, campaign: Campaign, channel: Channel, client: httpx.Client, message: Message, variant: str,
    actor: str,
) -> Tried:  # fmt: skip
    phone = message.phone or ""
    at = datetime.now(UTC)
    trial = replace(message, callback_data=f"{_CALLBACK}{campaign.campaign_id}:{at:%H%M%S%f}", spent_keys=0)
    result = _call(campaign, channel, client, trial)
    problem = f"{result.code}: {result.detail}" if isinstance(result, Failed) else None
    detail = f"{_masked(phone)} {variant} {problem or 'accepted'}"
    with opened.writing() as connection:
        note(connection, at, actor, "test send", campaign.campaign_id, detail=detail)
    return Tried(phone, variant, problem)


def _call(campaign: Campaign, channel: Channel, client: httpx.Client, message: Message) -> Accepted | Failed:
    provider = providers.get(campaign.provider)
    try:
        request = provider.request(message, channel)
        request.headers.setdefault("User-Agent", f"wabench/{__version__}")
        return provider.outcome(client.send(request))
    except (ValueError, httpx.InvalidURL, httpx.RequestError) as error:
        said = cleaned(str(error) or type(error).__name__, channel.secrets)
        raise WabenchError(f"{campaign.provider}: nothing was sent: {said}") from None


def _masked(phone: str) -> str:
    return f"•••• {phone[-4:]}"
