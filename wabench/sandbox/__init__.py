"""A stand-in of the providers' APIs on this machine, for rehearsals and tests: it writes to nobody."""

import json
from collections.abc import Mapping

import httpx

from wabench.sandbox import meta
from wabench.settings import TemplateSettings

_CHECKS = {"meta": meta.refusal}


def check(provider: str, request: httpx.Request, templates: Mapping[str, TemplateSettings]) -> str | None:
    """Say what the provider would find wrong with a request, or None."""
    refusal = _CHECKS[provider](json.loads(request.content), templates)
    return f"{refusal.code} {refusal.details}" if refusal else None
