"""Saved rules that select customers: YAML -> SQL with bound parameters on the published file. Never writes a store."""

from wabench.segments import history
from wabench.segments.compare import Checked, Difference, Overlap, check, diff, overlap
from wabench.segments.explain import Explanation, explain
from wabench.segments.export import Manifest, export, render
from wabench.segments.files import Segment, load, names, save
from wabench.segments.queries import Counts, Worth, catalog, count, sample, select, worth
from wabench.segments.rules import EVERYONE, Rule, rule_hash

__all__ = [
    "EVERYONE",
    "Checked",
    "Counts",
    "Difference",
    "Explanation",
    "Manifest",
    "Overlap",
    "Rule",
    "Segment",
    "Worth",
    "catalog",
    "check",
    "count",
    "diff",
    "explain",
    "export",
    "history",
    "load",
    "names",
    "overlap",
    "render",
    "rule_hash",
    "sample",
    "save",
    "select",
    "worth",
]
