"""A shop whose published file holds 120 customers."""

from pathlib import Path

import pytest
from published_shop import customer, publish_shop


@pytest.fixture
def shop(home: Path) -> Path:
    publish_shop(home, "20261122T180000Z", [customer(number) for number in range(120)])
    return home
