"""The official specifications, and what is wrong with a request by them.

A schema alone lets a misspelt field pass wherever it allows others, so each field's name is looked up too: it has to
be a property that the specification knows, or one of those named here with where they are documented.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
from shared import (
    BIRD_SPECIFICATION,
    CLASSIC_REQUESTS,
    META_SPECIFICATION,
    TWILIO_SPECIFICATION,
    ZENVIA_SPECIFICATION,
)

# Meta's file is of 2025-11: these fields are documented on the pages of the messages endpoint.
_META_NEWER = {"biz_opaque_callback_data", "recipient", "parameter_name"}
# docs.bird.com/api/channels-api (Sending messages; Business-scoped user ids): no file is published.
_CHANNELS = {
    "receiver", "contacts", "identifierKey", "identifierValue", "reference", "body", "type", "text", "image", "images",
    "mediaUrl", "altText", "file", "files", "contentType", "filename", "template", "projectId", "version", "locale",
    "parameters", "key", "value",
}  # fmt: skip
# developers.messagebird.com/api/conversations (Send message): the fixtures have none of this call.
_CLASSIC_SEND = {"to", "from", "reportUrl", "trackId", "caption", "image", "file"}
_VALUES = {"ContentVariables", "fields", "metadata"}
"""What a shop names itself: keys inside are not the provider's."""
_NO_FILE = ("Bird Channels",)


@dataclass(frozen=True, slots=True)
class Specification:
    """What a request has to fit, and the names its fields may have."""

    schema: Mapping[str, Any] | None
    names: frozenset[str]


def problems(call: Mapping[str, Any], dialect: str) -> list[str]:
    """Say what is wrong with a recorded request; nothing for one that fits."""
    return problems_of(content(call), dialect, call["path"])


def problems_of(body: Any, dialect: str, path: str) -> list[str]:
    """Say what is wrong with the fields of a request to a path."""
    specification = of(dialect, path)
    found = [f"{name}: no such field" for name in _keys(body) if name not in specification.names]
    if specification.schema:
        found += [error.message for error in jsonschema.Draft202012Validator(specification.schema).iter_errors(body)]
    return found


def content(call: Mapping[str, Any]) -> Any:
    """Give a request's fields; of a form's repeatable ones lists."""
    if not call["headers"].get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return json.loads(call["body"])
    fields: dict[str, Any] = dict(parse_qsl(call["body"], keep_blank_values=True))
    return {key: [value] if key == "MediaUrl" else value for key, value in fields.items()}


def misspelt(body: Any) -> Iterator[tuple[str, Any]]:
    """Give the body with each of its fields misspelt in turn, and that field."""
    if isinstance(body, dict):
        for key, value in body.items():
            yield key, {**{k: v for k, v in body.items() if k != key}, f"{key}x": value}
            if key not in _VALUES:
                yield from ((name, {**body, key: changed}) for name, changed in misspelt(value))
    if isinstance(body, list):
        for place, value in enumerate(body):
            yield from ((name, [*body[:place], changed, *body[place + 1 :]]) for name, changed in misspelt(value))


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in _VALUES:
                yield from _keys(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def is_here(dialect: str) -> bool:
    """Tell whether what a dialect's requests are held against is at hand."""
    return dialect in _NO_FILE or _FILES[dialect].exists()


def of(dialect: str, path: str) -> Specification:
    """Find the specification of a call."""
    return _load(dialect, path.rsplit("/", 1)[-1])


@cache
def _load(dialect: str, endpoint: str) -> Specification:
    file = _FILES.get(dialect, Path())
    match dialect:
        case "Meta" | "Meta marketing":
            name = "Message" if endpoint == "messages" else "MarketingMessageRequestPayload"
            return _component(file, name, _META_NEWER | _examples(file, f"/{{Version}}/{{Phone-Number-ID}}/{endpoint}"))
        case "Twilio":
            spec = _read(file)
            operation = spec["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
            form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
            schema = {**form, "components": spec["components"]}
            return Specification(schema, frozenset(form["properties"]))
        case "Bird v1":
            spec = _read(file)
            schema = {"$ref": "#/$defs/WhatsAppMessageSendRequest", "$defs": spec["$defs"]}
            return Specification(schema, frozenset(_properties(schema, schema)))
        case "Zenvia":
            return _component(file, "message.whatsapp", set())
        case "MessageBird classic":
            examples = [_read(each) for each in sorted(file.glob("*Request.json"))]
            return Specification(None, frozenset(_keys(examples)) | _CLASSIC_SEND)
    return Specification(None, frozenset(_CHANNELS))


_FILES = {
    "Meta": META_SPECIFICATION,
    "Meta marketing": META_SPECIFICATION,
    "Twilio": TWILIO_SPECIFICATION,
    "Bird v1": BIRD_SPECIFICATION,
    "MessageBird classic": CLASSIC_REQUESTS,
    "Zenvia": ZENVIA_SPECIFICATION,
}


def _component(file: Path, name: str, more: set[str]) -> Specification:
    spec = _read(file)
    schema = {"$ref": f"#/components/schemas/{name}", "components": spec["components"]}
    return Specification(schema, frozenset(_properties(schema, schema)) | more)


def _examples(file: Path, path: str) -> set[str]:
    """Give the field names of an operation's own examples: Meta's schema of a document lacks the caption they have."""
    body = _read(file)["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    return {key for example in body["examples"].values() for key in _keys(example["value"])}


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _properties(schema: Any, root: Any) -> set[str]:
    """Collect the names of all properties that a schema leads to."""
    names: set[str] = set()
    waiting, seen = [schema], set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        if not isinstance(node, dict):
            continue
        targets = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        targets += [t for t in (node.get("discriminator") or {}).get("mapping", {}).values() if t.startswith("#")]
        for target in set(targets) - seen:
            seen.add(target)
            waiting.append(_follow(target, root))
        properties = node.get("properties", {})
        names |= set(properties)
        waiting += properties.values()
        waiting += [node[key] for key in _INSIDE if key in node]
    return names


_INSIDE = ("allOf", "anyOf", "oneOf", "items", "prefixItems", "additionalProperties", "then", "else", "if", "not")


def _follow(reference: str, root: Any) -> Any:
    place = root
    for part in reference.removeprefix("#/").split("/"):
        place = place[part]
    return place
