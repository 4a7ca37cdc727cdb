"""Who is looking: their name for the audit, and what they may do."""

import getpass

from wabench.roles import Actor, Role


def actor() -> Actor | None:
    """Give the person who looks, or None where they must log in first."""
    return Actor(getpass.getuser(), Role.ADMIN, is_signed_in=False)
