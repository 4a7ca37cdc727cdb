"""Saved rules that select customers: YAML -> SQL with bound parameters on the published file.

The only store it writes is its own history."""

from wabench.segments import history
from wabench.segments.compare import Checked, Difference, Overlap, check, diff, overlap
from wabench.segments.explain import Explanation, Membership, explain, memberships
from wabench.segments.export import Manifest, export, render
from wabench.segments.files import Segment, load, names, save
from wabench.segments.queries import Cost, Counts, Worth, catalog, costs, count, sample, select, worth
from wabench.segments.rules import EVERYONE, Rule, rule_hash

__all__ = [
    "EVERYONE",
    "Checked",
    "Cost",
    "Counts",
    "Difference",
    "Explanation",
    "Manifest",
    "Membership",
    "Overlap",
    "Rule",
    "Segment",
    "Worth",
    "catalog",
    "check",
    "costs",
    "count",
    "diff",
    "explain",
    "export",
    "history",
    "load",
    "memberships",
    "names",
    "overlap",
    "render",
    "rule_hash",
    "sample",
    "save",
    "select",
    "worth",
]
