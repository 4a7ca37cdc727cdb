"""Saved rules that select customers: YAML -> SQL with bound parameters on the published file. Never writes a store."""

from wabench.segments.export import Manifest, export, render
from wabench.segments.files import Segment, load, names, save
from wabench.segments.queries import Counts, Worth, catalog, count, sample, select, worth
from wabench.segments.rules import EVERYONE, Rule, rule_hash

__all__ = [
    "EVERYONE",
    "Counts",
    "Manifest",
    "Rule",
    "Segment",
    "Worth",
    "catalog",
    "count",
    "export",
    "load",
    "names",
    "render",
    "rule_hash",
    "sample",
    "save",
    "select",
    "worth",
]
