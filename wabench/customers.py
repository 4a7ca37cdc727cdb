"""One customer, found and told: who they are, what happened and when. Reads the published file alone.

Who may not see phones gets them masked here, in SQL, also where a message's text holds one.
"""

import re
from typing import Any

import pyarrow as pa

from wabench import masks, views
from wabench.published import Published

MOST = 50
KINDS = ("order", "sent", "received", "tags", "identity")
_LAST_DIGITS, _WHOLE_PHONE, _SOME_DIGITS = 4, 10, 6
_PHONE = re.compile(r"[+\d\s().\-]+")


def search(version: Published, text: str, is_masked: bool, size: int = MOST) -> pa.Table:
    """Find customers by a part of their name or username, their e-mail, id, or the end of a phone.

    Who sees masked phones may ask for the 4 digits that are shown or for a whole number: with parts of other lengths
    the hidden digits could be tried out one by one. Their e-mail must be whole for the same reason.
    """
    asked = " ".join(text.split())
    digits = re.sub(r"\D", "", asked) if _PHONE.fullmatch(asked) else ""
    may_ask = len(digits) == _LAST_DIGITS or len(digits) >= (_WHOLE_PHONE if is_masked else _SOME_DIGITS)
    params = {"text": asked.lower(), "digits": digits if may_ask else "", "is_masked": is_masked, "size": size}
    return version.query(views.sql("customer_search"), params)


def profile(version: Published, customer_id: str, is_masked: bool) -> dict[str, Any] | None:
    """Give a customer's row of `dim_customers`, or None where nobody has that id."""
    found = views.rows(version, "customer", {"customer_id": customer_id, "is_masked": is_masked})
    return found[0] if found else None


def timeline(
    version: Published, customer_id: str, kinds: tuple[str, ...], is_masked: bool, size: int = 300
) -> list[dict[str, Any]]:
    """Tell what happened with a customer, newest first: orders, messages, changes of tags, identities.

    Of rows with `happened_at`, `kind`, `what` (a status or the like), `detail`, `amount` and `message_key`.
    """
    asked = {"customer_id": customer_id, "kinds": list(kinds or KINDS), "is_masked": is_masked, "size": size}
    return views.rows(version, "customer_timeline", {**asked, "private": masks.PRIVATE, "hidden": masks.HIDDEN})
