"""The wire, written down for others: one JSON Schema (2020-12) per record and one AsyncAPI 3.0 document.

Law: both are made from the types that read and write the records, so they cannot say something else. No field is ever
null, so no schema allows it; unknown fields are ignored by readers, so none forbids them.
"""

from pathlib import Path
from typing import Any, get_args

import msgspec
import orjson

from schemas.catalogue import CATALOGUE, Entry
from schemas.codec import Record
from schemas.dead_letters import Outcome, ReasonCode, Stage
from schemas.topics import MAX_MESSAGE_BYTES, config

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
CONTRACT_VERSION = "1.0.0"
DEFAULT_PARTITIONS = 12
DEFAULT_RETENTION_DAYS = 28
_KAFKA_BINDING = "0.5.0"
SETTLEMENT = "DeadLetterSettled"

Json = dict[str, Any]


def export(directory: Path) -> list[Path]:
    """Write `<Record>.schema.json` for each record and `asyncapi.json`; the files written. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    documents = {f"{record.__name__}.schema.json": json_schema(record) for record in _records()}
    documents["asyncapi.json"] = asyncapi()
    written = []
    for name, document in documents.items():
        path = directory / name
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        written.append(path)
    return written


def json_schema(record: type[Record]) -> Json:
    """The JSON Schema of one record, complete in itself."""
    (reference,), components = msgspec.json.schema_components([record], ref_template="#/$defs/{name}")
    parts = {name: _without_null(part) for name, part in components.items()}
    own = parts.pop(record.__name__)
    assert reference == {"$ref": f"#/$defs/{record.__name__}"}
    schema: Json = {"$schema": JSON_SCHEMA, "$id": f"urn:friendstream:{record.__name__}", **own}
    return schema | {"$defs": parts} if parts else schema


def asyncapi() -> Json:
    """The AsyncAPI 3.0 document: channels, keys, headers, and which role sends and receives what."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "friendstream",
            "version": CONTRACT_VERSION,
            "description": "LINE friends, kept true in HubSpot. Times are integer milliseconds UTC; no field is null.",
        },
        "defaultContentType": "application/json",
        "channels": {entry.topic.name: _channel(entry) for entry in CATALOGUE},
        "operations": _operations(),
        "components": {
            "messages": {name: message for entry in CATALOGUE for name, message in _messages(entry).items()},
            "schemas": {
                record.__name__: {"schemaFormat": SCHEMA_FORMAT, "schema": json_schema(record)} for record in _records()
            },
        },
    }


def _records() -> list[type[Record]]:
    return [record for entry in CATALOGUE for record in entry.records]


def _without_null(part: Any) -> Any:
    """The schema without alternatives and defaults that are null: what is absent is left out."""
    if isinstance(part, list):
        return [_without_null(member) for member in part]
    if not isinstance(part, dict):
        return part
    clean = {name: _without_null(value) for name, value in part.items() if not (name == "default" and value is None)}
    if "anyOf" in clean and {"type": "null"} in clean["anyOf"]:
        left = [choice for choice in clean.pop("anyOf") if choice != {"type": "null"}]
        clean |= left[0] if len(left) == 1 else {"anyOf": left}
    if isinstance(clean.get("enum"), list):
        clean["enum"] = [value for value in clean["enum"] if value is not None]
    return clean


def _names(entry: Entry) -> list[str]:
    return [record.__name__ for record in entry.records] or ["DeadLetter", SETTLEMENT]


def _channel(entry: Entry) -> Json:
    topic = entry.topic
    partitions = 1 if topic.one_partition else DEFAULT_PARTITIONS
    settings: Json = dict(config(topic, DEFAULT_RETENTION_DAYS))
    return {
        "address": topic.name,
        "description": f"Key: {entry.key}. {'Holds personal data.' if entry.personal else 'Holds no content.'}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _names(entry)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": partitions,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup],
                    "retention.ms": int(settings["retention.ms"]),
                    "max.message.bytes": MAX_MESSAGE_BYTES,
                },
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _operations() -> Json:
    operations: Json = {}
    for entry in CATALOGUE:
        for action, roles in (("send", entry.written_by), ("receive", entry.read_by)):
            for role in roles:
                operations[f"{role}.{action}.{entry.topic.name}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{entry.topic.name}"},
                    "summary": f"{role} {'writes' if action == 'send' else 'reads'} {entry.topic.name}",
                    "messages": [{"$ref": f"#/channels/{entry.topic.name}/messages/{name}"} for name in _names(entry)],
                }
    return operations


def _messages(entry: Entry) -> Json:
    return {name: _message(entry, name) for name in _names(entry)}


def _message(entry: Entry, name: str) -> Json:
    message: Json = {
        "name": name,
        "contentType": "application/json" if entry.records else "application/octet-stream",
        "payload": {"$ref": f"#/components/schemas/{name}"} if entry.records else {},
        "bindings": {"kafka": {"key": {"type": "string", "description": entry.key}, "bindingVersion": _KAFKA_BINDING}},
    }
    for record in entry.records:
        if record.__name__ == name:
            message["summary"] = (record.__doc__ or "").strip().split("\n")[0]
    if entry.headers != "none":
        message["headers"] = _HEADERS.get(name, _CLOUD_EVENTS)
    return message


def _headers(properties: Json, required: list[str]) -> Json:
    return {"type": "object", "properties": properties, "required": required}


_TEXT: Json = {"type": "string"}
_CLOUD_EVENTS = _headers(
    {
        "content-type": {"type": "string", "const": "application/json"},
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "description": "Stable under replay: the key for removing duplicates."},
        "ce_source": {"type": "string", "description": "/line/N, or /hubspot."},
        "ce_type": {"type": "string", "description": "line.<type>, friendstream.<type>, or contact.outcome."},
        "ce_time": {"type": "string", "format": "date-time"},
    },
    ["content-type", "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"],
)
_DEAD_LETTER = _headers(
    {
        "dl_topic": _TEXT,
        "dl_partition": _TEXT,
        "dl_offset": {"type": "string", "description": "-1: it was never in the topic."},
        "dl_at": {"type": "string", "description": "Milliseconds UTC."},
        "dl_stage": {"type": "string", "enum": list(get_args(Stage))},
        "dl_reason": {"type": "string", "enum": list(get_args(ReasonCode))},
        "dl_where": {"type": "string", "description": "A place in the code, where an exception came from."},
    },
    ["dl_topic", "dl_partition", "dl_offset", "dl_at", "dl_stage", "dl_reason"],
)
_SETTLEMENT = _headers(
    {
        "dl_settled": {"type": "string", "description": "<partition>@<offset> of the letter in this topic."},
        "dl_outcome": {"type": "string", "enum": list(get_args(Outcome))},
        "dl_at": {"type": "string", "description": "Milliseconds UTC."},
    },
    ["dl_settled", "dl_outcome", "dl_at"],
)
_HEADERS = {"DeadLetter": _DEAD_LETTER, SETTLEMENT: _SETTLEMENT}
