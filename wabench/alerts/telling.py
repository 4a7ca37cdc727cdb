"""Telling people what stands, once, and again when it still stands much later; what was told is kept in the home."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import msgspec

from wabench import __version__
from wabench.alerts.standing import Alert
from wabench.disk import appearing
from wabench.errors import WabenchError
from wabench.settings import Settings

_PATIENCE = httpx.Timeout(10.0)
_MOST_LINES = 10
Told = Mapping[str, datetime]
"""When an alert that stands was last told, by its mark."""


def tell(
    settings: Settings, standing: Sequence[Alert], now: datetime, transport: httpx.BaseTransport | None = None
) -> int:
    """Tell those of the alerts that stand whose time it is, in one message; gives how many.

    Nobody is told where there is no `WABENCH_ALERT_URL`. What could not be told is told the next time. Raises
    WabenchError where the address does not take it; what it is called is a secret.
    """
    url = settings.secret("alert_url")
    if not url:
        return 0
    told = load(settings)
    again = timedelta(hours=settings.alert_again_hours)
    marks = {_mark(each): each for each in standing}
    wanted = {mark: each for mark, each in marks.items() if mark not in told or now - told[mark] >= again}
    kept = {mark: told[mark] for mark in marks if mark in told}
    if wanted:
        _post(url, message(settings, list(wanted.values())), transport)
    _save(settings, told, {**kept, **dict.fromkeys(wanted, now)})
    return len(wanted)


def message(settings: Settings, alerts: Sequence[Alert]) -> str:
    """Write one message of several alerts, who waits first."""
    dialogs = [each.text for each in alerts if each.is_dialog]
    others = [each.text for each in alerts if not each.is_dialog]
    where = f" {settings.login.app_url}/support" if settings.login.app_url else ""
    parts = []
    if dialogs:
        wait = "1 customer waits" if len(dialogs) == 1 else f"{len(dialogs)} customers wait"
        parts += [f"{wait} for an answer, as far as the last refresh knows:{where}", *_lines(dialogs)]
    return "\n".join(parts + _lines(others))


def load(settings: Settings) -> Told:
    """Read what was told; raises WabenchError where that can't be read."""
    try:
        return msgspec.json.decode(_path(settings).read_bytes(), type=dict[str, datetime])
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, OSError) as error:
        raise WabenchError(f"{_path(settings)} can't be read ({error}); move it away, and all is told again") from None


def _mark(alert: Alert) -> str:
    """Name an alert in the file: its key may hold an identity, or a message's id that is made of one."""
    return sha256(alert.key.encode()).hexdigest()[:24]


def _lines(texts: Sequence[str]) -> list[str]:
    more = len(texts) - _MOST_LINES
    return [*(f"• {text}" for text in texts[:_MOST_LINES]), *([f"… and {more} more"] if more > 0 else [])]


def _post(url: str, text: str, transport: httpx.BaseTransport | None) -> None:
    headers = {"User-Agent": f"wabench/{__version__}"}
    try:
        with httpx.Client(transport=transport, timeout=_PATIENCE, headers=headers) as client:
            status = client.post(url, json={"text": text}).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise WabenchError(f"WABENCH_ALERT_URL can't be reached ({type(error).__name__})") from None
    if not 200 <= status < 300:
        raise WabenchError(f"WABENCH_ALERT_URL answers {status}; see whether the hook is still there")


def _save(settings: Settings, before: Told, told: Told) -> None:
    if told != before:
        settings.paths.data.mkdir(parents=True, exist_ok=True)
        with appearing(_path(settings)) as file:
            file.write(msgspec.json.encode(dict(told)))


def _path(settings: Settings) -> Path:
    return settings.paths.data / "alerts.json"
