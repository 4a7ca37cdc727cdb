"""`wabench segment`: saved rules that select customers."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from wabench import published, segments
from wabench import settings as configuration
from wabench.cli import console
from wabench.errors import UsageError, WabenchError
from wabench.segments import Explanation, files
from wabench.segments.explain import Node
from wabench.segments.rules import Did, Leaf, rule_hash, to_data
from wabench.settings import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Saved rules that select customers.")

Name = Annotated[str, typer.Argument(help="a segment, as its file in segments/ is called")]


@app.command("list")
def list_segments(as_json: console.Json = False) -> None:
    """List the saved segments with how many customers each selects now.

    Example: wabench segment list
    """
    settings = configuration.load()
    rows = [_listed(settings, name) for name in files.names(settings)]
    (console.show_json if as_json else console.show_table)(rows)


@app.command()
def show(name: Name, as_json: console.Json = False) -> None:
    """Show a segment's rule and the hash that tells it from any other.

    Example: wabench segment show cold_90d
    """
    segment = files.load(configuration.load(), name)
    facts = {"name": segment.name, "description": segment.description, "rule_hash": rule_hash(segment.where)}
    if as_json:
        console.show_json({**facts, "where": to_data(segment.where)})
    else:
        console.show_facts(facts)
        console.out.print(files.text(segment), markup=False, soft_wrap=True, end="")


@app.command()
def count(name: Name, as_json: console.Json = False) -> None:
    """Count a segment's customers, how many can be reached, and for how many an unset value decided.

    Example: wabench segment count cold_90d
    """
    settings = configuration.load()
    counts = segments.count(settings, files.load(settings, name).where)
    (console.show_json if as_json else console.show_facts)({"segment": name, **asdict(counts)})


@app.command()
def worth(name: Name, as_json: console.Json = False) -> None:
    """Tell what a segment's customers have brought and are expected to bring in 12 months, with its 80 % range.

    Example: wabench segment worth high_value_active_7d
    """
    settings = configuration.load()
    found = segments.worth(settings, files.load(settings, name).where)
    (console.show_json if as_json else console.show_facts)({"segment": name, **asdict(found)})


@app.command()
def explain(
    name: Name,
    customer: Annotated[str, typer.Argument(help="a customer's id")],
    as_of: Annotated[str | None, typer.Option(help="at a moment that has passed: 2026-10-01, or 30d ago")] = None,
    as_json: console.Json = False,
) -> None:
    """Tell why a customer is in a segment or not: each leaf, its value, its answer, and what would turn it.

    Example: wabench segment explain cold_90d ce735c8a19b0d23b2 --as-of 30d
    """
    settings = configuration.load()
    found = segments.explain(settings, files.load(settings, name), customer, as_of)
    if as_json:
        console.show_json(_told(found))
        return
    console.out.print(_verdict(found), markup=False, soft_wrap=True)
    for line in _tree(found.why, 0):
        console.out.print(line, markup=False, soft_wrap=True)


@app.command()
def diff(
    name: Name,
    since: Annotated[str, typer.Option("--from", help="the earlier moment: 2026-10-01, or 30d ago")],
    until: Annotated[str | None, typer.Option("--to", help="the later one; default: now")] = None,
    as_json: console.Json = False,
) -> None:
    """Tell who came to a segment and who left it between two moments, by changed data and by changed rule.

    Example: wabench segment diff cold_90d --from 30d
    """
    found = segments.diff(configuration.load(), name, since, until)
    if as_json:
        console.show_json(asdict(found))
        return
    console.out.print(f"{name} from {found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC", markup=False)
    same = found.rule_before == found.rule_after
    console.out.print(
        f"rule {found.rule_before}, the same at both (since {found.rule_before_since})" if same else
        f"rule {found.rule_before} (since {found.rule_before_since}), then {found.rule_after}",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    console.show_table([{"change": m.change, "by": m.cause or "", "customers": m.customers,
                         "such as": ", ".join(m.sample[:3])} for m in found.moved])  # fmt: skip
    if any(moved.change == "unknown" for moved in found.moved) and found.tags_since is not None:
        console.out.print(f"tags and consent are known from {found.tags_since:%Y-%m-%d %H:%M} UTC on", markup=False)
    if found.not_kept:
        console.out.print(f"not known as of then: {', '.join(found.not_kept)}", markup=False, soft_wrap=True)


@app.command()
def overlap(
    names: Annotated[list[str], typer.Argument(help="two or more segments")], as_json: console.Json = False
) -> None:
    """Tell what segments have in common: of each two who is in both, and what share that is of each.

    Example: wabench segment overlap frequent_buyers high_value_active_7d
    """
    settings = configuration.load()
    found = segments.overlap(settings, {name: files.load(settings, name).where for name in names})
    if as_json:
        console.show_json(asdict(found))
        return
    console.show_table([{"segment": name, "customers": size} for name, size in found.sizes.items()])
    console.show_table([
        {"first": s.first, "second": s.second, "both": s.both, "Jaccard": _share(s.jaccard),
         "of first": _share(s.share_of_first), "of second": _share(s.share_of_second)} for s in found.shared
    ])  # fmt: skip
    console.show_facts({"in all": found.in_all, "in any": found.in_any, "customers": found.total})


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="segments to check; none: all of them")] = None,
    as_json: console.Json = False,
) -> None:
    """Check segments: fields, values, sizes they `expect`; a line for all that is wrong, exit code 1 if any is.

    Example: wabench segment check
    """
    settings = configuration.load()
    version = published.current(settings)
    against = segments.catalog(settings, version)
    checked = [segments.check(settings, name, against, version) for name in names or files.names(settings)]
    found = [f"{each.segment}.yml: {problem}" for each in checked for problem in each.problems]
    if as_json:
        sizes = {each.segment: {"customers": each.customers, "before": each.before} for each in checked}
        console.show_json({"checked": [each.segment for each in checked], "sizes": sizes, "problems": found})
    for line in [] if as_json else found:
        console.out.print(line, markup=False, soft_wrap=True)
    if found:
        raise WabenchError(f"{len(found)} wrong in {len(checked)} segments checked")
    console.err.print(f"{len(checked)} segments checked, nothing wrong")


@app.command()
def export(
    name: Name,
    to: Annotated[Path | None, typer.Option(help="CSV to write; default data/exports/<name>-<version>.csv")] = None,
    with_phones: Annotated[bool, typer.Option("--with-phones", help="phones and e-mails whole, not masked")] = False,
    as_json: console.Json = False,
) -> None:
    """Write a segment's customers to CSV, with a manifest beside it that says which rule, when, and that it is whole.

    Example: wabench segment export cold_90d --to cold.csv
    """
    settings = configuration.load()
    path, manifest = segments.export(settings, files.load(settings, name), to, with_phones)
    if as_json:
        console.show_json({"path": path, **asdict(manifest)})
    else:
        masked = f"; masked: {', '.join(manifest.masked)} (--with-phones writes them whole)" if manifest.masked else ""
        console.out.print(f"{manifest.rows} customers in {path}{masked}", markup=False, soft_wrap=True)


def _listed(settings: Settings, name: str) -> dict[str, Any]:
    """Count one segment for the list; a broken one is listed with what is wrong with it."""
    try:
        segment = files.load(settings, name)
        counts = segments.count(settings, segment.where)
    except UsageError as error:
        return {"segment": name, "customers": None, "reachable": None, "description": f"broken: {error}"}
    return {
        "segment": name,
        "customers": counts.customers,
        "reachable": counts.reachable,
        "description": segment.description,
    }


def _told(found: Explanation) -> dict[str, Any]:
    return {**{key: value for key, value in asdict(found).items() if key != "why"}, "why": _node(found.why)}


def _node(node: Node) -> dict[str, Any]:
    """Give a node as JSON has it: groups hold nodes, leaves what they stand on."""
    told: dict[str, Any] = {"at": node.at, "answer": node.answer, "is_known": node.is_known}
    if node.leaf is not None:
        told |= {"rule": node.rule, "value": node.value, "is_unset": node.is_unset, "decides": node.decides}
        told["flips"] = [str(flip) for flip in node.flips]
    return told | ({node.kind: [_node(child) for child in node.children]} if node.children else {})


def _verdict(found: Explanation) -> str:
    when = "now" if found.is_now else f"at {found.as_of:%Y-%m-%d %H:%M} UTC"
    who = f"{found.customer_id} ({found.name})" if found.name else found.customer_id
    answer = {True: "is in", False: "is not in", None: "can't be told to be in"}[found.is_in]
    rule = f"; the rule since {found.rule_since}" if found.rule_since else ""
    return f"{who} {answer} {found.segment} {when}{rule}"


def _tree(node: Node, depth: int) -> Iterator[str]:
    answer = {True: "yes", False: "no", None: "not known as of then"}[node.answer]
    what = _written(node.rule) if node.rule else node.kind
    line = f"{'  ' * depth}{answer:>4}  {what}"
    if node.leaf is not None:
        value = (
            "" if not node.is_known else f"   value: {_valued(node.value)}" if isinstance(node.leaf, Leaf | Did) else ""
        )
        unset = f" (not known, so unset: {answer})" if node.is_unset else ""
        turns = f"   turns {'; or '.join(map(str, node.flips))}" if node.flips else ""
        line += f"{value}{unset}{turns}{'   <- decides' if node.decides else ''}"
    yield line
    for child in node.children:
        yield from _tree(child, depth + 1)


def _written(rule: dict[str, object]) -> str:
    """Write a leaf as its file has it, on one line."""
    return files.flow(rule)


def _valued(value: Any) -> str:
    match value:
        case None:
            return "not known"
        case {"times": times, "newest": newest, "sum": total}:
            last = f", last {newest:%Y-%m-%d %H:%M}" if newest else ""
            return f"{times}{last}{f', {total:,.2f} in all' if total is not None else ''}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case _:
            return str(value)


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
