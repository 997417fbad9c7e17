"""The idempotency key of a request."""

import uuid

from schemas.requests import request_id


def test_the_id_is_the_uuid5_of_its_parts() -> None:
    namespace = uuid.UUID("6f1d6f0a-3a35-5f0e-9d2b-1f6b6c9f2a11")
    assert request_id(3, "U1", "01J") == str(uuid.uuid5(namespace, "3\nU1\n01J"))


def test_another_cause_is_another_request() -> None:
    assert request_id(1, "U1", "01J") != request_id(1, "U1", "01K")
