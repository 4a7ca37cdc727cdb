"""The providers and their dialects: what a shop sets for each, and where they rightly differ."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from wabench import providers
from wabench.providers.base import Capabilities

PARAMS = ("1=name", "2=literal:SALE")
BODY = "Hi {{1}}, use {{2}} until Sunday."


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to send: `token` is the secret that a scenario revokes, `template_id` the template's id there."""

    name: str
    provider: str
    channel_id: str
    secrets: Mapping[str, str]
    token: str
    options: Mapping[str, str] = field(default_factory=dict)
    template_id: str = ""

    @property
    def can(self) -> Capabilities:
        return providers.get(self.provider).describe(self.options)

    def toml(self, base_url: str) -> str:
        """Write what wabench.toml says of it."""
        ids = f'{{ {self.provider} = "{self.template_id}" }}' if self.template_id else "{}"
        options = "".join(f'{key} = "{value}"\n' for key, value in self.options.items())
        return (
            f'region = "BR"\n[providers.{self.provider}]\nchannel_id = "{self.channel_id}"\nbase_url = "{base_url}"\n'
            f"timeout_seconds = 0.5\n[providers.{self.provider}.options]\n{options}"
            f'[templates.sale]\nbody = "{BODY}"\nids = {ids}\n'
        )

    def environ(self, token: str = "") -> dict[str, str]:
        """Give its secrets as settings; `token` stands in for the one that was revoked."""
        given = self.secrets | ({self.token: token} if token else {})
        return {f"WABENCH_{self.provider}_{name}".upper(): value for name, value in given.items()}


_META = {"token": "test-token", "app_secret": "test-app-secret", "verify_token": "test-verify-token"}
_BIRD = {"access_key": "test-access-key", "signing_key": "test-signing-key"}
_WHSEC = "whsec_" + base64.b64encode(b"a secret of the tests, of 32 byt").decode()

ALL = (
    Dialect("Meta", "meta", "106540352242922", _META, "token"),
    Dialect("Meta marketing", "meta", "106540352242922", _META, "token", {"marketing": "marketing_messages"}),
    Dialect(
        "Twilio",
        "twilio",
        "+15550000000",
        {"account_sid": "AC" + "0" * 32, "auth_token": "test-auth-token"},
        "auth_token",
        template_id="HX" + "1" * 32,
    ),
    Dialect(
        "Bird v1",
        "messagebird",
        "+15550000000",
        {"token": "bk_eu1_test", "webhook_secret": _WHSEC},
        "token",
        template_id="wat_01krdgeqcxet5s7t44vh8rt9mg",
    ),
    Dialect(
        "Bird Channels",
        "messagebird",
        "7c1a0f6e-0000-4000-8000-000000000001",
        _BIRD,
        "access_key",
        {"dialect": "channels", "workspace": "7c1a0f6e-0000-4000-8000-000000000002"},
        "7c1a0f6e-0000-4000-8000-000000000003",
    ),
    Dialect(
        "MessageBird classic",
        "messagebird",
        "619747f69cf940a98fb443140ce9aed2",
        _BIRD,
        "access_key",
        {"dialect": "classic", "namespace": "5ba2d0b7_f2c6_433b_a66e_57b009ceb6ff"},
    ),
    Dialect(
        "Zenvia",
        "zenvia",
        "5510999999999",
        {"token": "test-token", "webhook_secret": "test-webhook-secret"},
        "token",
        template_id="7c1a0f6e-0000-4000-8000-000000000004",
    ),
)

OWN_OPT_OUT = ("Meta", "Meta marketing", "Bird v1")
"""Who tells an opt-out in an event of its own, so that it is no answer to the message; elsewhere it is one."""

DIFFERENCES = (
    (
        "No business-scoped ids",
        "who is known by one alone can't be reached, and the plan says so",
        tuple(dialect.name for dialect in ALL if not dialect.can.user_id_recipients),
    ),
    (
        "Opt-outs in words",
        "who opts out does so by a message, which counts as an answer too",
        tuple(dialect.name for dialect in ALL if dialect.name not in OWN_OPT_OUT),
    ),
)
"""Where dialects rightly differ in what a campaign comes to: what it is, what follows, and whose it is."""
