"""What several model tests look at, built once."""

import pytest
from history import FIRST, SECOND
from warehouse import build, put, shop

from wabench.settings import Settings


@pytest.fixture(scope="session")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The whole history, loaded and then built in one go."""
    settings = shop(tmp_path_factory.mktemp("at_once"))
    put(settings, 1, FIRST)
    put(settings, 2, SECOND)
    build(settings, is_tested=True)
    return settings
