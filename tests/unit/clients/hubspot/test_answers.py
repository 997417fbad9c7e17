"""HubSpot's answers, in the shapes that were seen and some that were not."""

from __future__ import annotations

from typing import Any

import pytest

from clients.hubspot.answers import (
    batch_answer,
    correlation_of,
    document,
    instant,
    item_error,
    limits_of,
    rate_limit_policy,
    refusal,
    retry_after,
    scopes_needed,
)
from clients.hubspot.troubles import MissingScopes, RateLimited, Refused, ServerTrouble, Unauthorized
from clients.hubspot.verdict import trouble_of

LISTED = (
    'Property values were not valid: [{"isValid":false,"message":"Property \\"line_follow_1\\" does not exist",'
    '"error":"PROPERTY_DOESNT_EXIST","name":"line_follow_1"}]'
)


def test_a_conflict_tells_the_existing_id() -> None:
    """In the context of a 207, or in the text of a 409."""
    error = item_error(
        {"category": "CONFLICT", "context": {"objectWriteTraceId": ["0"], "existingId": ["171591000198"]}}
    )
    assert (error.conflict, error.existing, error.traces) == (True, "171591000198", ("0",))
    text = item_error({"message": "Contact already exists. Existing ID: 37765128953", "category": "CONFLICT"})
    assert text.existing == "37765128953"


def test_a_missing_property_is_named() -> None:
    """From the list inside the message, from `errors`, or from the words alone."""
    for shape in (
        {"category": "VALIDATION_ERROR", "message": LISTED},
        {"errors": [{"code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["line_follow_1"]}}]},
    ):
        error = item_error(shape)
        assert error.codes == ("PROPERTY_DOESNT_EXIST",)
        assert error.properties == ("line_follow_1",)


def test_a_bad_email_is_known_by_its_words() -> None:
    """Observed without a code."""
    error = item_error({"category": "VALIDATION_ERROR", "message": 'Property value "x" is not a valid email'})
    assert (error.codes, error.properties, error.invalid) == (("INVALID_EMAIL",), ("email",), True)


def test_a_blocklisted_address_is_known_by_its_words_only_where_it_can_be_one() -> None:
    """A refused text of a friend may speak about GDPR, too."""
    assert item_error({"category": "VALIDATION_ERROR", "message": "This email has been GDPR blacklisted"}).blocklisted
    quoted = 'Property values were not valid: [{"error":"TOO_LONG","name":"line_last_response_1","message":"GDPR .."}]'
    assert not item_error({"category": "VALIDATION_ERROR", "message": quoted}).blocklisted


def test_nothing_of_a_message_is_kept() -> None:
    """It may quote what a friend wrote."""
    error = item_error({"category": "hello dear friend", "message": "my secret", "subCategory": "a b c"})
    assert "secret" not in repr(error)
    assert "dear" not in repr(error)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "x",
        {"results": 1, "errors": 2},
        {"results": [1, None, {"id": None}], "errors": [[]]},
        {"results": [{}]},
    ],
)
def test_any_body_is_read(body: Any) -> None:
    """Fields may be absent or of another type; nothing raises, and nothing is found that is not there."""
    answer = batch_answer(200, {}, body)
    assert answer.found == ()
    refusal(400, {}, body)
    rate_limit_policy(body)
    scopes_needed(body)
    correlation_of({}, body)


def test_a_contact_is_read() -> None:
    """Id as text or number, times as milliseconds, empty values as None."""
    body = {
        "results": [
            {
                "id": 512,
                "properties": {"email": "a@b.c", "line_user_id_1": None},
                "createdAt": "2025-11-04T20:29:54.897Z",
                "archivedAt": "1970-01-01T00:00:01Z",
                "objectWriteTraceId": "t-1",
            }
        ]
    }
    (found,) = batch_answer(201, {"X-HubSpot-Correlation-Id": "c-1"}, body).found
    assert (found.id, found.trace, found.archived_at) == ("512", "t-1", 1000)
    assert found.properties == {"email": "a@b.c", "line_user_id_1": None}
    assert found.created_at == instant("2025-11-04T20:29:54.897Z")


def test_an_html_body_is_no_answer() -> None:
    """As edge servers send it."""
    assert document(b"<html>") is None


def test_rate_limit_headers() -> None:
    """Interval in seconds; what is absent stays unknown."""
    limits = limits_of(
        {
            "X-HubSpot-RateLimit-Max": "190",
            "X-HubSpot-RateLimit-Remaining": "3",
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Daily-Remaining": "x",
        }
    )
    assert (limits.most, limits.remaining, limits.interval, limits.daily_remaining) == (190, 3, 10.0, None)


@pytest.mark.parametrize(
    ("body", "policy"),
    [
        ({"policyName": "DAILY"}, "DAILY"),
        ({"message": "You have reached your secondly limit.", "category": "RATE_LIMITS"}, "SECONDLY"),
        ({"message": "You have reached your ten_secondly_rolling limit."}, "TEN_SECONDLY_ROLLING"),
        ({"message": "You have reached your daily limit."}, "DAILY"),
        (None, "UNKNOWN"),
    ],
)
def test_both_shapes_of_a_429_tell_the_limit(body: Any, policy: str) -> None:
    """By name, or by words."""
    found = trouble_of(429, {"Retry-After": "7"}, body)
    assert isinstance(found, RateLimited)
    assert (found.policy, found.retry_after) == (policy, 7.0)


def test_retry_after_is_bounded() -> None:
    """At most a day, whatever is written there."""
    assert retry_after({"Retry-After": "999999999"}) == 86_400
    assert retry_after({"Retry-After": "soon"}) is None


def test_the_kinds_of_refusal() -> None:
    """What is about the token, the portal or the moment is no verdict about a contact."""
    assert isinstance(trouble_of(401, {}, None), Unauthorized)
    scopes = {"errors": [{"context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}]}
    forbidden = trouble_of(403, {}, scopes)
    assert isinstance(forbidden, MissingScopes)
    assert forbidden.scopes == ("crm.objects.contacts.write",)
    locked = trouble_of(423, {}, None)
    assert isinstance(locked, ServerTrouble)
    assert locked.retry_after == 2.0
    for status in (477, 500, 502, 521, 524):
        assert isinstance(trouble_of(status, {}, None), ServerTrouble)
    refused = trouble_of(400, {}, None)
    assert isinstance(refused, Refused)
    assert refused.answer.errors[0].invalid
    conflict = trouble_of(409, {}, {"message": "Contact already exists"})
    assert isinstance(conflict, Refused)
    assert conflict.answer.errors[0].conflict
