"""The process a SQL segment runs in: started by `sandbox`, it gets one request on stdin and answers on stdout.

Started by its path in an empty environment, it imports nothing of wabench. What it may read is the published file it
was given; it can open nothing else, write nothing, and is killed by whoever started it when its time is up.
"""

import json
import os
import resource
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from threading import Timer
from typing import Any

import duckdb
import pyarrow as pa

REFUSED, SLOW = 3, 4
_FUNCTIONS = ("range", "generate_series", "unnest")
_FORBIDDEN = (
    "current_setting",
    "getenv",
    "getvariable",
    "write_log",
    "set_config",
    "nextval",
    "currval",
    "txid_current",
)
_ANSWER = """
    select
        candidates.customer_id
    from (
        select distinct customer_id::varchar as customer_id from (
            {sql}
        ) as chosen
    ) as candidates
    where candidates.customer_id in (select customer_id from dim_customers)
"""
_NOTHING = """
    select * from (
        {sql}
    ) limit 0
"""
_CONFIG: dict[str, Any] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "temp_directory": "",  # what does not fit into memory is refused, not spilled
    "threads": 2,
}
_ROOM = 3 << 30  # of address space beside what DuckDB may take: the interpreter, its libraries, stacks of threads


class Refusal(Exception):
    """The statement asks for what a segment may not have; the message is for its author."""


def main() -> None:
    """Answer one request: `path`, `sql`, `memory`, `seconds` as JSON in, Arrow or one line of why not out."""
    request = json.load(sys.stdin)
    _limit(request["seconds"], request["memory_bytes"])
    Timer(request["seconds"], os._exit, (SLOW,)).start()  # whatever is at work then, it ends here
    try:
        table = run(request["path"], request["sql"], request["memory"])
    except (Refusal, duckdb.Error, MemoryError) as error:
        sys.stderr.write(_why(error, request["memory"]))
        sys.stderr.flush()
        os._exit(REFUSED)
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
        writer.write_table(table)
    sys.stdout.flush()
    os._exit(0)


def run(path: str, sql: str, memory: str) -> pa.Table:
    """Run one SELECT of customer_id on the published file; raises Refusal or what DuckDB says."""
    config = {**_CONFIG, "memory_limit": memory, "lock_configuration": "true"}
    with duckdb.connect(path, read_only=True, config=config) as connection:
        tables = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
        check(connection, sql, tables)
        return connection.sql(_ANSWER.format(sql=_plain(sql))).to_arrow_table()


def check(connection: duckdb.DuckDBPyConnection, sql: str, tables: set[str]) -> None:
    """Raise Refusal unless it is exactly one SELECT of published tables with a column customer_id."""
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise Refusal(f"it can't be read: {_first(error)}") from None
    if len(statements) != 1:
        raise Refusal(f"it is {len(statements)} statements; a segment is exactly one SELECT")
    kind = statements[0].type.name
    if kind != "SELECT":
        raise Refusal(f"{kind} is not allowed; a segment is one SELECT of customer_id")
    text = connection.execute("select json_serialize_sql($sql)", {"sql": sql}).fetchall()[0][0]
    tree = json.loads(text)
    if tree["error"]:
        raise Refusal(f"only a plain SELECT is allowed: {tree['error_message']}")
    _check_names(tree, tables)
    columns = [column.lower() for column in connection.sql(_NOTHING.format(sql=_plain(sql))).columns]
    if "customer_id" not in columns:
        raise Refusal(f"it selects {', '.join(columns)}; a segment selects customer_id")


def _check_names(tree: object, tables: set[str]) -> None:
    ctes = {entry["key"] for node in _nodes(tree) for entry in node.get("cte_map", {}).get("map", ())}
    ctes |= {node["cte_name"] for node in _nodes(tree) if node.get("cte_name")}
    for node in _nodes(tree):
        if node.get("type") == "BASE_TABLE":
            _check_table(node, tables, {name.lower() for name in ctes})
        elif node.get("type") == "TABLE_FUNCTION":
            name = node["function"]["function_name"].lower()
            if name not in _FUNCTIONS:
                raise Refusal(f"{name}() is not allowed; a segment asks the published tables")
        elif node.get("type") == "SHOW_REF":
            raise Refusal("SHOW and DESCRIBE are not allowed; a segment is one SELECT of customer_id")
        elif str(node.get("function_name", "")).lower() in _FORBIDDEN:
            raise Refusal(f"{node['function_name'].lower()}() is not allowed in a segment")


def _check_table(node: dict[str, Any], tables: set[str], ctes: set[str]) -> None:
    name, schema, catalog = node["table_name"], node["schema_name"], node["catalog_name"]
    if not catalog and not schema and name.lower() in ctes:
        return
    if name.lower() not in tables or schema.lower() not in ("", "main") or catalog:
        near = get_close_matches(name.lower(), tables, n=1, cutoff=0.7)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        whole = ".".join(part for part in (catalog, schema, name) if part)
        raise Refusal(f"{whole!r} is no published table{hint}")


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _limit(seconds: float, memory: int) -> None:
    """Have the kernel hold the limits too: no file grows, no core, and neither memory nor time runs away."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cpu = int(seconds * 4) + 5  # by several threads; the wall clock is the parent's
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_AS, (memory + _ROOM, memory + _ROOM))


def _why(error: Exception, memory: str) -> str:
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return f"it needs more than {memory} of memory (setting segment_sql_memory)"
    return str(error) if isinstance(error, Refusal) else _first(error)


def _plain(sql: str) -> str:
    return sql.strip().rstrip(";")


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[0].strip()


if __name__ == "__main__":
    main()
