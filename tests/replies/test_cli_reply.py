"""`wabench reply` as it is typed."""

import json
from pathlib import Path

import pytest
from published_shop import customer, publish_shop
from typer.testing import CliRunner

from wabench.cli import app

HEAD = "rule,kind,pattern,action,answer\n"


@pytest.fixture
def shop(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WABENCH_HOME", str(home))
    publish_shop(home, "20261122T180000Z", [customer(number) for number in range(120)])
    return home


def run(*words: str, code: int = 0) -> str:
    ended = CliRunner().invoke(app, ["reply", *words])
    assert (ended.exit_code == 0) == (code == 0), ended.output
    return ended.output


def test_rules_are_listed_with_what_is_wrong_with_the_rest(shop: Path) -> None:
    (shop / "replies.csv").write_text(HEAD + "a,word,цена,text,10\nb,fuzzy,x,text,y\n", encoding="utf-8")
    said = json.loads(run("list", "--json", code=1))
    assert [rule["rule"] for rule in said["rules"]] == ["a"]
    assert said["problems"] == ["row 2, kind: 'fuzzy' is none of exact, word, contains, regex"]


def test_a_text_is_tried_with_its_hours_and_name(shop: Path) -> None:
    said = json.loads(run("test", "Где мой заказ?", "--hours", "away", "--name", "Олег Петров", "--json"))
    assert (said["answers"], said["answer"]) == ("order_ru", "Олег, смотрим, где ваш заказ, и ответим здесь.")
    assert said["others"][0]["rule"] == "away_ru"
    assert json.loads(run("test", "Стоп!", "--json"))["answers"] == "stop"
    assert json.loads(run("test", "ок", "--hours", "business", "--json"))["answers"] is None


def test_the_bench_tells_what_a_new_file_moves(shop: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text(HEAD + "hello,word,здравствуйте,text,Привет\nthanks,exact,спасибо большое,tag,t\n", encoding="utf-8")
    said = json.loads(run("bench", "--rules", str(new), "--days", "30", "--json"))
    # 720 hours with a message every ninth, a greeting and thanks in turn, the last an hour before as-of.
    assert (said["messages"], said["unanswered"], said["commands"]) == (79, 0, 0)
    assert {hit["rule"]: hit["messages"] for hit in said["hits"]} == {"thanks": 40, "hello": 39}
    assert {(change["after"]) for change in said["changes"]} == {"hello"}
    text = run("bench", "--days", "30")
    assert "of 79 messages answered" in text
    assert "unanswered" in text
