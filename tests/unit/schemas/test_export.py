from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from jsonschema import Draft202012Validator

from schemas.catalogue import CATALOGUE
from schemas.export import asyncapi, export, json_schema
from schemas.topics import ALL

RECORDS = [record for entry in CATALOGUE for record in entry.records]


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def resolve(document: dict[str, Any], reference: str) -> Any:
    part: Any = document
    for name in reference.removeprefix("#/").split("/"):
        part = part[name]
    return part


def test_the_catalogue_has_every_topic_once() -> None:
    assert [entry.topic for entry in CATALOGUE] == list(ALL)


def test_every_schema_is_a_valid_json_schema_that_never_allows_null() -> None:
    for record in RECORDS:
        schema = json_schema(record)
        Draft202012Validator.check_schema(schema)
        assert "null" not in orjson.dumps(schema).decode(), record.__name__
        for reference in references(schema):
            assert resolve(schema, reference)


def test_the_asyncapi_document_is_well_formed() -> None:
    document = asyncapi()
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    own = {name: part for name, part in document.items() if name != "components"}
    for reference in [*references(own), *references(document["components"]["messages"])]:
        assert resolve(document, reference)
    for group in ("channels", "operations"):
        assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in document[group])
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


def test_every_topic_has_a_writer_and_a_reader() -> None:
    operations = asyncapi()["operations"].values()
    for topic in ALL:
        actions = {part["action"] for part in operations if part["channel"]["$ref"] == f"#/channels/{topic.name}"}
        assert actions == {"send", "receive"}


def test_only_the_two_streams_for_others_and_the_dead_letters_have_headers() -> None:
    messages = asyncapi()["components"]["messages"]
    assert {name for name, message in messages.items() if "headers" in message} == {
        "EventRecord", "Outcome", "DeadLetter", "DeadLetterSettled",
    }  # fmt: skip


def test_export_writes_one_file_per_record_and_the_document(tmp_path: Path) -> None:
    written = export(tmp_path / "new" / "directory")
    assert {path.name for path in written} == {f"{record.__name__}.schema.json" for record in RECORDS} | {
        "asyncapi.json"
    }
    for path in written:
        assert orjson.loads(path.read_bytes())
    assert export(tmp_path / "new" / "directory") == written
