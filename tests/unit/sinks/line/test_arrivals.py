"""Requests are decoded one by one; what cannot be read harms no neighbour."""

from dataclasses import dataclass

from schemas.codec import encode
from sinks.line.arrivals import sort


@dataclass
class Taken:
    key: bytes | None
    value: bytes | None


def test_each_record_is_sorted_alone(profile_request, message_request) -> None:
    good = Taken(b"U1", encode(profile_request()))
    message = Taken(b"U1", encode(message_request()))
    odd = [
        Taken(b"U1", b"{"),
        Taken(b"U1", encode(profile_request()).replace(b'"profile"', b'"telepathy"')),
        Taken(b"U1", encode(profile_request()).replace(b'"profile"', b'"message"')),
    ]
    foreign = [Taken(b"U2", encode(profile_request())), Taken(None, encode(profile_request()))]
    tombstone = Taken(b"U1", None)
    found = sort([odd[0], good, *foreign, tombstone, *odd[1:], message])
    assert [record for record, _ in found.requests] == [good, message]
    assert {id(record): reason for record, reason in found.dead} == {
        **{id(record): "unreadable" for record in odd},
        **{id(record): "key_mismatch" for record in foreign},
    }
    assert found.empty == [tombstone]
