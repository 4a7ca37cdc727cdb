"""Who goes first: a share of a campaign's customers that is like all of them.

Each stratum gives its part, by largest remainders; in it chance chooses, by a hash of campaign, stage and customer, so
that the same plan draws the same. A stratum's own remainder is broken by such a hash too: of many small strata not the
first by name gets the seat, but any.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from hashlib import md5


def first(strata: Mapping[str, Hashable], wanted: int, salt: str) -> frozenset[str]:
    """Draw so many customers, of whom each is in one stratum; all of them where there are no more."""
    members: dict[Hashable, list[str]] = defaultdict(list)
    for customer_id in sorted(strata, key=lambda each: _lot(salt, each)):
        members[strata[customer_id]].append(customer_id)
    sizes = {stratum: len(each) for stratum, each in members.items()}
    seats = seated(sizes, min(wanted, len(strata)), {key: _lot(salt, each[0]) for key, each in members.items()})
    return frozenset(customer_id for key, each in members.items() for customer_id in each[: seats[key]])


def seated(sizes: Mapping[Hashable, int], wanted: int, lots: Mapping[Hashable, str]) -> dict[Hashable, int]:
    """Share out `wanted` seats by size: whole parts first, then the largest remainders, of equals the lowest lot."""
    total = sum(sizes.values())
    seats = {key: wanted * size // total for key, size in sizes.items()} if total else {}
    by_remainder = sorted(sizes, key=lambda key: (-(wanted * sizes[key] % total), lots[key]))
    for key in by_remainder[: wanted - sum(seats.values())]:
        seats[key] += 1
    return seats


def _lot(salt: str, customer_id: str) -> str:
    return md5(f"{salt}:{customer_id}".encode(), usedforsecurity=False).hexdigest()
