import gc
import threading
from pathlib import Path

import duckdb
import pytest
from published_shop import customer, publish_shop

from wabench import published
from wabench.errors import WabenchError
from wabench.settings import Settings

COUNT = "select count(*) as customers from dim_customers"


def held_versions() -> set[str]:
    links = (str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink())
    return {Path(link.removesuffix(" (deleted)")).stem for link in links if ".duckdb" in link}


def test_a_new_version_is_seen_at_the_next_call_and_the_old_one_let_go(home: Path, settings: Settings) -> None:
    for number in range(1, 6):
        publish_shop(home, f"2026112{number}T000000Z", [customer(each) for each in range(number)])
        assert published.query(settings, COUNT)["customers"].to_pylist() == [number]
    gc.collect()
    assert held_versions() == {"20261125T000000Z"}


def test_a_version_in_hand_goes_on_answering_after_the_next_one_is_published(home: Path, settings: Settings) -> None:
    path = publish_shop(home, "20261121T000000Z", [customer(1)])
    before = published.current(settings)
    reader = before.stream(COUNT)
    publish_shop(home, "20261122T000000Z", [customer(1), customer(2)])
    assert published.query(settings, COUNT)["customers"].to_pylist() == [2]
    assert before.one(COUNT) == {"customers": 1}
    path.unlink()
    assert before.one(COUNT) == {"customers": 1}
    assert reader.read_all()["customers"].to_pylist() == [1]


def test_threads_share_a_version_without_sharing_a_cursor(home: Path, settings: Settings) -> None:
    publish_shop(home, "20261121T000000Z", [customer(each) for each in range(50)])
    answers: list[int] = []

    def ask() -> None:
        answers.extend(published.query(settings, COUNT)["customers"].to_pylist()[0] for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [50] * 160


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/hosts')",
        "select * from read_text('/etc/hosts')",
        "attach 'other.duckdb'",
        "set memory_limit = '100GB'",
        "copy dim_customers to 'out.csv'",
        "create table mine (a integer)",
        "delete from dim_customers",
    ],
)
def test_a_query_reaches_nothing_but_the_published_tables(sql: str, home: Path, settings: Settings) -> None:
    publish_shop(home, "20261121T000000Z", [customer(1)])
    with pytest.raises(duckdb.Error):
        published.query(settings, sql)


def test_no_published_file_and_a_broken_one_each_say_what_to_do(home: Path, settings: Settings) -> None:
    with pytest.raises(WabenchError, match="run `wabench refresh` first"):
        published.current(settings)
    publish_shop(home, "20261121T000000Z", []).write_bytes(b"not a database at all" * 1000)
    with pytest.raises(WabenchError, match="can't be opened"):
        published.query(settings, COUNT)


def test_as_of_is_the_refreshs_own(home: Path, settings: Settings) -> None:
    publish_shop(home, "20261121T000000Z", [])
    assert published.current(settings).as_of.isoformat() == "2026-11-22T18:00:00"
