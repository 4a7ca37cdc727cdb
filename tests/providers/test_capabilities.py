"""What providers say they can do is so, and docs/providers/README.md says the same."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wabench import providers
from wabench.providers.base import (
    Capabilities,
    Channel,
    Content,
    Media,
    Message,
    Options,
    Provider,
    Template,
    TemplateDraft,
    Text,
)

PAGE = Path(__file__).parents[2] / "docs/providers/README.md"
BEGIN, END = "<!-- generated -->\n", "<!-- end -->\n"
DIALECTS: Mapping[str, tuple[str, Options]] = {
    "Meta": ("meta", {"waba_id": "1"}),
    "Twilio": ("twilio", {}),
    "Bird v1": ("messagebird", {}),
    "Bird Channels": ("messagebird", {"dialect": "channels", "workspace": "w"}),
    "MessageBird classic": ("messagebird", {"dialect": "classic", "namespace": "n"}),
    "Zenvia": ("zenvia", {}),
}
"""Columns of the table, and the options each stands for."""

CONTENT: Mapping[str, Content] = {
    "template": Template("sale", "en", "marketing", {"1": "Ana"}, provider_id="HX0:1"),
    "text": Text("Hello"),
    "link": Text("See https://shop.example", previews_link=True),
    "image": Media("image", "https://shop.example/a.png", "New"),
    "document": Media("document", "https://shop.example/a.pdf", "", "a.pdf"),
}
DRAFT = TemplateDraft("sale", "en", "marketing", "Hi {{1}}", {"1": "Ana"})
SINCE = datetime(2026, 7, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Column:
    """One provider in one dialect."""

    title: str
    provider: Provider
    options: Options

    @property
    def says(self) -> Capabilities:
        return self.provider.describe(self.options)

    @property
    def channel(self) -> Channel:
        secrets = dict.fromkeys(self.provider.secrets, "secret")
        return Channel(self.says.base_url, "5511400289", self.options, secrets, "https://hooks.shop.example/x")

    def sends(self, content: Content, phone: str | None = "+5511987654321") -> bool:
        return _can(lambda: self.provider.request(Message(phone, "BR.1", content, "wb:1"), self.channel))

    def lists_templates(self) -> bool:
        asked = self.provider.templates
        return asked is not None and _can(lambda: asked.list_request(self.channel, None))

    def submits_templates(self) -> bool:
        asked = self.provider.templates
        return asked is not None and _can(lambda: asked.submit_request(DRAFT, self.channel, []))

    def reads_back(self) -> bool:
        asked = self.provider.history
        return asked is not None and _can(lambda: asked.request(self.channel, SINCE, None))


def _can(build: Callable[[], object]) -> bool:
    """Tell whether a request can be built: what a dialect has not raises ValueError."""
    try:
        return build() is not None
    except ValueError:
        return False


COLUMNS = [Column(title, providers.get(name), options) for title, (name, options) in DIALECTS.items()]
EACH = pytest.mark.parametrize("column", COLUMNS, ids=list(DIALECTS))


def test_the_table_has_a_column_of_every_provider() -> None:
    assert {column.provider.name for column in COLUMNS} == set(providers.names())


@EACH
def test_it_sends_what_it_says_it_sends_and_nothing_else(column: Column) -> None:
    assert {kind for kind, content in CONTENT.items() if column.sends(content)} == set(column.says.content)


@EACH
def test_it_writes_to_user_ids_where_it_says_so_and_only_there(column: Column) -> None:
    assert column.sends(CONTENT["template"], phone=None) == column.says.user_id_recipients


@EACH
def test_history_is_there_where_it_is_not_said_to_be_none(column: Column) -> None:
    assert column.reads_back() != column.says.history.startswith("none")


@EACH
def test_our_callback_data_goes_out_where_it_is_said_to_come_back(column: Column) -> None:
    request = column.provider.request(Message("+5511987654321", None, CONTENT["text"], "wb:1"), column.channel)
    assert (b"wb" in request.content) == column.says.echoes_callback_data


@EACH
def test_the_secrets_it_needs_are_its_own_and_none_is_in_a_request_body_or_address(column: Column) -> None:
    assert set(column.says.sending_secrets) <= set(column.provider.secrets)
    assert {secret for each in column.provider.webhook_secrets for secret in each} <= set(column.provider.secrets)
    assert set(column.says.receiving_secrets) <= set(column.provider.webhook_secrets)
    secrets = {secret: f"s3cret-{secret}" for secret in column.provider.secrets if not secret.endswith("_sid")}
    channel = Channel(column.says.base_url, "1", column.options, column.channel.secrets | secrets)
    request = column.provider.request(Message("+5511987654321", None, CONTENT["text"], "wb:1"), channel)
    assert b"s3cret" not in request.content
    assert "s3cret" not in str(request.url)
    assert "s3cret" not in repr(channel)


@EACH
@pytest.mark.parametrize("given", ["fast", "0", "-1", "nan", "inf"])
def test_a_pace_that_is_no_number_above_zero_is_refused_by_name(column: Column, given: str) -> None:
    with pytest.raises(ValueError, match="messages_per_second is a number above zero"):
        column.provider.describe({**column.options, "messages_per_second": given})


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("meta", "marketing"),
        ("meta", "product_policy"),
        ("twilio", "auth"),
        ("messagebird", "dialect"),
        ("messagebird", "region"),
    ],
)
def test_an_option_of_few_values_takes_no_other(name: str, option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} is .*, not 'yes'"):
        providers.get(name).describe({option: "yes"})


def _yes(value: bool) -> str:
    return "yes" if value else "–"


def _names(secrets: tuple[str, ...]) -> str:
    return " and ".join(f"`{secret}`" for secret in secrets)


ROWS: Mapping[str, Callable[[Column], str]] = {
    "address": lambda c: f"`{c.says.base_url}`",
    "sends": lambda c: ", ".join(c.says.content),
    "people by business-scoped id": lambda c: _yes(c.says.user_id_recipients),
    "variables by name": lambda c: _yes(c.says.named_parameters),
    "key against doubles": lambda c: _yes(c.says.idempotency_key),
    "says whose status it is": lambda c: _yes(c.says.echoes_callback_data),
    "messages a second": lambda c: f"{c.says.messages_per_second:g}",
    "seconds between two to one person": lambda c: f"{c.says.seconds_between_messages_to_one_customer:g}",
    "templates listed": lambda c: _yes(c.lists_templates()),
    "templates submitted": lambda c: _yes(c.submits_templates()),
    "read back after a gap": lambda c: _yes(c.reads_back()),
    "secrets to send": lambda c: _names(c.says.sending_secrets),
    "secrets to receive": lambda c: ", or ".join(map(_names, c.says.receiving_secrets or c.provider.webhook_secrets)),
}


def generated() -> Iterator[str]:
    """Write the page's tables."""
    yield "| | " + " | ".join(DIALECTS) + " |"
    yield "|---" * (len(DIALECTS) + 1) + "|"
    for title, cell in ROWS.items():
        yield f"| {title} | " + " | ".join(cell(column) for column in COLUMNS) + " |"
    yield "\nWhat can be read back:\n"
    yield from (f"- **{column.title}**: {column.says.history}." for column in COLUMNS)
    yield "\nOptions, in `[providers.NAME.options]`:\n"
    yield "| provider | option | what it is |\n|---|---|---|"
    for name in providers.names():
        yield from (f"| {name} | `{key}` | {what} |" for key, what in providers.get(name).OPTIONS.items())


def test_the_page_of_providers_says_what_they_say() -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    wanted = before + BEGIN + "\n".join(generated()) + "\n" + END + after
    if os.environ.get("WABENCH_WRITE_DOCS"):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted, "run it again with WABENCH_WRITE_DOCS=1"
