"""A stand-in of the providers' APIs on this machine, for rehearsals and tests: it writes to nobody."""

import json
from collections.abc import Mapping

import httpx

from wabench.errors import Refused
from wabench.sandbox import meta
from wabench.settings import TemplateSettings

_CHECKS = {"meta": meta.refusal}
"""The one table of what the sandbox knows; a provider that is not here can't be tested, so nothing is sent by it."""


def check(provider: str, request: httpx.Request, templates: Mapping[str, TemplateSettings]) -> str | None:
    """Say what the provider would find wrong with a request, or None; raises Refused where the sandbox can't tell."""
    if provider not in _CHECKS:
        raise Refused(f"the sandbox does not know {provider}, so a campaign can't be tested; see adding-a-provider.md")
    refusal = _CHECKS[provider](json.loads(request.content), templates)
    return f"{refusal.code} {refusal.details}" if refusal else None
