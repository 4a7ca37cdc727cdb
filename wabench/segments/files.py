"""Segment files: `segments/<name>.yml`, one saved rule each, read strictly and written so that git shows the change."""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from wabench.disk import appearing
from wabench.errors import UsageError
from wabench.segments import expectations
from wabench.segments.expectations import NOTHING, Expect
from wabench.segments.rules import Rule, Sql, parse, to_data
from wabench.settings import Settings
from wabench.spelling import hint

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_KEYS = ("name", "description", "where", "sql", "expect")
FORMAT = "YAML"
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Segment:
    """A saved rule that selects customers, and what its shop expects of it."""

    name: str
    description: str
    where: Rule
    expect: Expect = NOTHING


class _Loader(yaml.SafeLoader):
    """YAML whose plain values are text: a country NO is not false, a phone keeps its plus, 1:30 is not 90."""

    # Null stays: `is:` with nothing after it is a mistake to point out, not the empty text.
    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag == _NULL]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        seen = [key.value for key, _ in node.value]
        if twice := {str(key) for key in seen if seen.count(key) > 1}:
            raise yaml.constructor.ConstructorError(None, None, f"{min(twice)!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Write values as plainly as the loader reads them."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Write text of several lines as it reads; what can't be written so is quoted by PyYAML itself."""
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(str, _Dumper.represent_str)


def names(settings: Settings) -> list[str]:
    """List the saved segments by their files' names."""
    return sorted(path.stem for path in settings.paths.segments.glob("*.yml"))


def load(settings: Settings, name: str) -> Segment:
    """Read one segment; raises UsageError with the first thing that is wrong with it, or the nearest name."""
    path = settings.paths.segments / f"{name}.yml"
    if not _NAME.fullmatch(name) or not path.is_file():
        known = names(settings)
        raise UsageError(f"no segment is called {name!r} (`wabench segment list` shows them){hint(name, known)}")
    segment, problems = read(path)
    if segment is None:
        raise UsageError(f"{path.name}: {problems[0]}")
    return segment


def read(path: Path) -> tuple[Segment | None, list[str]]:
    """Read a segment file; gives the segment, or None and everything that is wrong with how it is written."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  # a safe loader of ours
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        return None, [f"not readable as YAML: {_one_line(error)}"]
    if not isinstance(data, dict):
        return None, [f"expected {', '.join(_KEYS)}"]
    problems = [f"{key!r} is not known here: a segment holds {', '.join(_KEYS)}{hint(str(key), _KEYS)}"
                for key in data if key not in _KEYS]  # fmt: skip
    name, description = data.get("name"), data.get("description", "")
    if name != path.stem:
        problems.append(f"name: expected {path.stem!r}, as the file is called, not {name!r}")
    if not isinstance(description, str):
        problems.append("description: expected text")
    if not _NAME.fullmatch(path.stem):
        problems.append("name: a-z, 0-9 and _ only, beginning with a letter")
    rule = _rule(data, problems)
    expect = expectations.parse(data.get("expect"), problems)
    if problems or rule is None:
        return None, problems
    return Segment(path.stem, str(description), rule, expect), []


def parse_text(text: str) -> tuple[Rule | None, list[str]]:
    """Read a rule from the YAML of its `where`; gives it, or None and everything that is wrong with it."""
    problems: list[str] = []
    try:
        rule = parse(yaml.load(text, Loader=_Loader), problems)  # noqa: S506  # a safe loader of ours
    except (yaml.YAMLError, RecursionError) as error:
        return None, [f"not readable as YAML: {_one_line(error)}"]
    return (None if problems else rule), problems


def _rule(data: Mapping[str, object], problems: list[str]) -> Rule | None:
    if "sql" not in data:
        return parse(data.get("where"), problems)
    if "where" in data:
        problems.append("sql: a segment holds where or sql, not both")
    if not isinstance(data["sql"], str) or not data["sql"].strip():
        problems.append("sql: expected one SELECT of customer_id")
        return None
    return Sql(data["sql"].strip())


def save(settings: Settings, segment: Segment, overwrite: bool = False) -> Path:
    """Write a segment's file whole or not at all; raises UsageError for a bad name or one that is taken."""
    if not _NAME.fullmatch(segment.name):
        raise UsageError(f"{segment.name!r} can't name a segment: a-z, 0-9 and _ only, beginning with a letter")
    path = settings.paths.segments / f"{segment.name}.yml"
    if path.exists() and not overwrite:
        raise UsageError(f"a segment {segment.name!r} is already saved; choose another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    with appearing(path) as file:
        file.write(text(segment).encode())
    return path


def text(segment: Segment) -> str:
    """Give a segment as the YAML its file holds."""
    rule = to_data(segment.where)
    data = {"name": segment.name, "description": segment.description, **(rule if "sql" in rule else {"where": rule})}
    if segment.expect != NOTHING:
        data["expect"] = expectations.to_data(segment.expect)
    written: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120
    )
    return written


def flow(rule: Mapping[str, object]) -> str:
    """Give a leaf as a file has it, on one line."""
    written: str = yaml.dump(
        dict(rule), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=True, width=1_000_000
    )
    return written.strip().removeprefix("{").removesuffix("}")


def _one_line(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        quoted = " (write '>' and '>=' in quotes)" if mark.buffer and ">" in (mark.get_snippet() or "") else ""
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}{quoted}"
    return " ".join(str(error).split())
