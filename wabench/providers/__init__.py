"""Wire formats of the providers, in both directions: bytes <-> our values. No I/O, no settings, no store."""

import importlib
import pkgutil
from typing import cast

from wabench.providers.base import Provider

_NOT_PROVIDERS = {"base", "errors"}


def names() -> list[str]:
    """List the providers there is a module for."""
    found = (m.name for m in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if name not in _NOT_PROVIDERS and not name.startswith("_"))


def get(name: str) -> Provider:
    """Load a provider's module; raises KeyError for a name there is none for."""
    if name not in names():
        raise KeyError(name)
    return cast(Provider, importlib.import_module(f"{__name__}.{name}"))
