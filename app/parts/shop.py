"""The shop a page is drawn from: its settings, the published version, and what a view answers, asked once a version."""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import streamlit as st

from wabench import published, views
from wabench import settings as configuration
from wabench.published import Published
from wabench.settings import Settings

_FILES = ("wabench.toml", ".env")


def settings() -> Settings:
    """Give the settings; they are read again when one of their files has changed."""
    home = Path(os.environ.get("WABENCH_HOME") or configuration.ROOT)
    return _read(str(home), tuple(_changed(home / name) for name in _FILES))


def version() -> Published:
    """Give the published version; raises WabenchError while there is none."""
    return published.current(settings())


def rows(view: str, /, **params: Any) -> list[dict[str, Any]]:
    """Ask a view, once for each published version and parameters."""
    now = version()
    return _rows(str(now.path), view, tuple(sorted(params.items())), now)


def windowed(view: str, days: int, /, **params: Any) -> list[dict[str, Any]]:
    """Ask a view about the half-open window of `days` that ends at as-of."""
    return rows(view, **views.window(version(), days), **params)


def one(view: str, /, **params: Any) -> dict[str, Any]:
    """Ask a view that answers with one row."""
    return rows(view, **params)[0]


def table(view: str, /, **params: Any) -> pa.Table:
    """Ask a view whose rows stay a table, for one that is shown as it is."""
    now = version()
    return _table(str(now.path), view, tuple(sorted(params.items())), now)


@st.cache_data(show_spinner=False, max_entries=100)
def _table(path: str, view: str, params: tuple[tuple[str, Any], ...], _version: Published) -> pa.Table:
    return _version.query(views.sql(view), _lists(dict(params)))


@st.cache_data(show_spinner=False, max_entries=1000)
def _rows(path: str, view: str, params: tuple[tuple[str, Any], ...], _version: Published) -> list[dict[str, Any]]:
    return views.rows(_version, view, _lists(dict(params)))


def _lists(params: Mapping[str, Any]) -> dict[str, Any]:
    """Hand lists over as DuckDB takes them; as tuples they can be cached."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()}


@lru_cache(1)
def _read(home: str, changed: tuple[float, ...]) -> Settings:
    return configuration.load()


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
