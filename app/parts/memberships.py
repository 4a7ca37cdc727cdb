"""The segments a customer is in, and what decides each."""

from parts import look
from parts.lang import _


def show(customer_id: str) -> None:
    """List every saved segment with whether they are in it and why."""
    look.section(_("Segments"))
