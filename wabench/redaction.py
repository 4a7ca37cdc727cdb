"""Secrets taken out of what is shown."""

from collections.abc import Mapping

_LONGEST = 300


def cleaned(text: str, secrets: Mapping[str, str]) -> str:
    """Give a text as one line of moderate length without our secrets, in whichever form it quotes them."""
    for secret in filter(None, secrets.values()):
        for written in (secret, secret.strip(), repr(secret)[1:-1]):
            text = text.replace(written, "…") if written else text
    return " ".join(text.split())[:_LONGEST]
