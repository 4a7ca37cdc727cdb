"""Fixtures every test may use: a shop's home in a temporary folder, and its settings."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres import Server, serving

from wabench.settings import Settings, load

SECRETS = {
    "WABENCH_META_TOKEN": "test-token",
    "WABENCH_META_APP_SECRET": "test-app-secret",
    "WABENCH_META_VERIFY_TOKEN": "test-verify-token",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty shop."""
    return tmp_path


@pytest.fixture
def settings_with(home: Path) -> Callable[..., Settings]:
    """Settings of the empty shop; keyword arguments are settings by their lower-case names."""

    def build(**overrides: str) -> Settings:
        environ = {"WABENCH_HOME": str(home), **SECRETS}
        return load(environ | {f"WABENCH_{name.upper()}": value for name, value in overrides.items()})

    return build


@pytest.fixture
def settings(settings_with: Callable[..., Settings]) -> Settings:
    return settings_with()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL that is up."""
    with serving() as server:
        yield server
