"""What Twilio can be asked: the message list by pages, the account, its content templates and senders."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from wabench.campaigns.templates import fill, variables
from wabench.sandbox._twilio_webhooks import FAILED, sender
from wabench.sandbox.base import Answer, Call, Happening, Shop

_FILTERS = {"To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken"}
_RANK = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}
_API = "/2010-04-01"


def look_up(call: Call, shop: Shop, happened: Sequence[Happening], sids: Mapping[str, str]) -> Answer | None:
    """Answer a question; `sids` are the templates' names by ContentSid. None where there is no such call."""
    account = f"/Accounts/{shop.secrets.get('account_sid')}"
    asks = {
        ("GET", f"{account}.json"): lambda: _account(shop),
        ("GET", f"{account}/Messages.json"): lambda: _messages(call, shop, happened),
        ("GET", "/content/v1/Content"): lambda: _contents(shop, sids),
        ("GET", "/content/v1/ContentAndApprovals"): lambda: _contents(shop, sids),
        ("GET", "/messaging/v2/Channels/Senders"): lambda: _senders(shop),
        ("POST", "/content/v1/Content"): lambda: _created(call),
    }
    if ask := asks.get((call.method, call.path)):
        return ask()
    if call.method == "POST" and call.path.endswith("/ApprovalRequests/whatsapp"):
        return _approval(call)
    return None


def _json(value: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def _error(code: int, status: int, text: str) -> Answer:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return _json({"code": code, "message": text, "more_info": more, "status": status}, status)


def message(account: str, sid: str, at: float, **more: Any) -> dict[str, Any]:
    """Write a message as answers and lists show it; `more` is what differs from a message just queued."""
    uri = f"{_API}/Accounts/{account}/Messages/{sid}"
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": "",
        "date_created": date(at),
        "date_sent": None,
        "date_updated": date(at),
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": None,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": None,
        "uri": f"{uri}.json",
        **more,
    }


def date(at: float) -> str:
    """Write a time as the API does, by RFC 2822."""
    return format_datetime(datetime.fromtimestamp(int(at), UTC))


def _messages(call: Call, shop: Shop, happened: Sequence[Happening]) -> Answer:
    """List what was sent and received, newest first; unknown filters are refused, though Twilio ignores them."""
    if unknown := set(call.query) - _FILTERS:
        return _error(20001, 400, f"unknown parameter {min(unknown)}")
    size = _number(call.query.get("PageSize", "50"))
    if size is None or not 1 <= size <= 1000:
        return _error(20001, 400, "PageSize is from 1 to 1000")
    found = [(at, each) for at, each in _all(shop, happened) if _fits(call.query, each)]
    found.sort(key=lambda pair: (pair[0], pair[1]["sid"]), reverse=True)
    listed = [each for _, each in found]
    after = call.query.get("PageToken", "").removeprefix("PA")
    start = next((number + 1 for number, each in enumerate(listed) if each["sid"] == after), 0)
    return _page(call, shop, listed[start : start + size], start, len(listed) > start + size)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _page(call: Call, shop: Shop, page: Sequence[Mapping[str, Any]], start: int, has_more: bool) -> Answer:
    number = _number(call.query.get("Page", "0")) or 0
    path = f"{_API}/Accounts/{shop.secrets['account_sid']}/Messages.json"
    asked = {key: value for key, value in call.query.items() if key not in ("Page", "PageToken")}
    following = {**asked, "Page": str(number + 1), "PageToken": f"PA{page[-1]['sid']}"} if has_more else None
    return _json({
        "messages": list(page),
        "page": number,
        "page_size": _number(call.query.get("PageSize", "50")),
        "start": start,
        "end": start + len(page) - 1 if page else 0,
        "uri": f"{path}?{urlencode(call.query)}",
        "first_page_uri": f"{path}?{urlencode({**asked, 'Page': '0'})}",
        "next_page_uri": f"{path}?{urlencode(following)}" if following else None,
        "previous_page_uri": None,
    })  # fmt: skip


def _fits(query: Mapping[str, str], each: Mapping[str, Any]) -> bool:
    if query.get("To", each["to"]) != each["to"] or query.get("From", each["from"]) != each["from"]:
        return False
    if not {"DateSent", "DateSent<", "DateSent>"} & set(query):
        return True
    if each["date_sent"] is None:
        return False
    day = f"{parsedate_to_datetime(each['date_sent']):%Y-%m-%d}"
    return query.get("DateSent", day) == day and query.get("DateSent>", day) <= day <= query.get("DateSent<", day)


def _all(shop: Shop, happened: Sequence[Happening]) -> Iterable[tuple[float, dict[str, Any]]]:
    by_message: dict[str, list[Happening]] = {}
    for happening in happened:
        if happening.reply_id:
            yield happening.at, _received(happening, shop)
        else:
            by_message.setdefault(happening.message_id, []).append(happening)
    for happenings in by_message.values():
        yield happenings[0].at, _sent(happenings, shop)


def _sent(happenings: Sequence[Happening], shop: Shop) -> dict[str, Any]:
    """Write a message with the furthest of its statuses; one that was not sent yet has no date of it."""
    last = max(happenings, key=lambda happening: _RANK[happening.value])
    status, code, why = FAILED[last.failure] if last.failure else (last.value, "", "")
    sent = next((h.at for h in happenings if h.value == "sent"), None)
    return message(
        shop.secrets["account_sid"],
        last.message_id,
        happenings[0].at,
        body=_body(last, shop),
        date_sent=date(sent) if sent else None,
        date_updated=date(last.at),
        error_code=int(code) if code else None,
        error_message=why or None,
        messaging_service_sid=shop.channel_id if shop.channel_id.startswith("MG") else None,
        num_media=str(int(last.taken.given["media"])),
        status="queued" if status == "accepted" else status,
        to=f"whatsapp:{last.phone or last.user_id}",
        **{"from": f"whatsapp:{sender(shop)}"},
    )


def _body(happening: Happening, shop: Shop) -> str:
    known = shop.templates.get(happening.taken.template or "")
    if known is None:
        return happening.taken.text or ""
    return fill(known.body, dict(zip(variables(known.body), happening.taken.parameters, strict=True)))


def _received(happening: Happening, shop: Shop) -> dict[str, Any]:
    return message(
        shop.secrets["account_sid"],
        happening.reply_id or "",
        happening.at,
        body=happening.text or "",
        date_sent=date(happening.at),
        direction="inbound",
        status="received",
        to=f"whatsapp:{sender(shop)}",
        **{"from": f"whatsapp:{happening.phone or happening.user_id}"},
    )


def _account(shop: Shop) -> Answer:
    sid = shop.secrets["account_sid"]
    names = {"sid": sid, "friendly_name": "Sandbox", "status": "active", "type": "Full"}
    return _json({**names, "date_created": date(0), "date_updated": date(0), "uri": f"{_API}/Accounts/{sid}.json"})


def _contents(shop: Shop, sids: Mapping[str, str]) -> Answer:
    contents = [_listed(sid, template, shop) for sid, template in sids.items()]
    url = "https://content.twilio.com/v1/ContentAndApprovals?PageSize=500&Page=0"
    meta = {"page": 0, "page_size": 500, "first_page_url": url, "url": url, "key": "contents"}
    return _json({"contents": contents, "meta": {**meta, "previous_page_url": None, "next_page_url": None}})


def _listed(sid: str, template: str, shop: Shop) -> dict[str, Any]:
    known = shop.templates[template]
    return {
        "sid": sid,
        "account_sid": shop.secrets.get("account_sid"),
        "friendly_name": template,
        "language": known.language,
        "variables": dict(known.examples),
        "types": {"twilio/text": {"body": known.body}},
        "date_created": "2026-01-01T00:00:00Z",
        "date_updated": "2026-01-01T00:00:00Z",
        "approval_requests": {
            "name": template,
            "category": known.category.upper(),
            "content_type": "twilio/text",
            "status": known.status,
            "rejection_reason": "",
            "allow_category_change": True,
        },
    }


def _created(call: Call) -> Answer:
    content = _object(call)
    if not {"language", "types"} <= set(content) or set(content) - {"friendly_name", "language", "variables", "types"}:
        return _error(20001, 400, "content has friendly_name, language, variables and types")
    return _json({"sid": f"HX{'0' * 32}", **content}, 201)


def _approval(call: Call) -> Answer:
    wanted = _object(call)
    if set(wanted) != {"name", "category"}:
        return _error(20001, 400, "a request for approval has name and category")
    answer = {**wanted, "content_type": "twilio/text", "status": "received", "rejection_reason": ""}
    return _json({**answer, "allow_category_change": True}, 201)


def _object(call: Call) -> dict[str, Any]:
    try:
        value = json.loads(call.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _senders(shop: Shop) -> Answer:
    properties = {"quality_rating": "HIGH", "messaging_limit": "2K Customers/24hr"}
    one = {"sid": f"XE{'0' * 32}", "sender_id": f"whatsapp:{sender(shop)}", "status": "ONLINE"}
    return _json({"senders": [{**one, "properties": properties}], "meta": {"key": "senders"}})
