"""What is wrong in the settings is one line that names the key."""

from pathlib import Path

import pytest

from wabench.errors import UsageError
from wabench.settings import load

PROVIDER = '[providers.meta]\nchannel_id = "1"\nbase_url = "{}"\n'
SOURCE = '[sources.crm]\nbase_url = "{}"\n[sources.crm.streams.orders]\npath = "orders"\nmap = {{}}\n'


@pytest.mark.parametrize("address", ["graph.facebook.com/v26.0", "ftp://crm.example", "https://", "https://[::1"])
@pytest.mark.parametrize("table", [PROVIDER, SOURCE])
def test_a_base_url_that_is_no_web_address_is_named(home: Path, table: str, address: str) -> None:
    (home / "wabench.toml").write_text(table.format(address))
    with pytest.raises(UsageError, match=r"base_url: .* is no web address; write it like https://") as caught:
        load({"WABENCH_HOME": str(home)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:8500/v26.0", "https://[::1]:8500"])
def test_a_base_url_may_be_empty_or_a_web_address(home: Path, address: str) -> None:
    (home / "wabench.toml").write_text(PROVIDER.format(address))
    assert load({"WABENCH_HOME": str(home)}).providers["meta"].base_url == address
