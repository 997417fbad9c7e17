"""DESIGN 4.4, row by row: what follows for one change from what HubSpot says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.batch_answers import Found, ItemAnswer, ItemError
from domain.delivery import (
    Delivery,
    Finished,
    Next,
    PropertiesMissing,
    Written,
    after,
    begin,
    outcome_of,
    properties_to_write,
    refused_too_often,
    without_connections,
)
from schemas.changes import Change
from schemas.codec import digest_of
from schemas.marks import Mark, Trigger

U = "U" + "0" * 32
NOW = 1_764_000_000_000
DAY = 86_400_000
NOTHING = ItemAnswer()
NOT_FOUND = ItemAnswer(error=ItemError(category="OBJECT_NOT_FOUND"))
T = Trigger(id="01J", at=NOW - 1000, kind="message")


def change(**given: Any) -> Change:
    properties = given.pop("properties", {"line_user_id_1": U, "line_follow_1": "true", "line_user_id_2": U})
    fields = {"friend": U, "revision": 3, "digest": digest_of(properties), "emitted_at": NOW, "email": f"{U}@LINE.me"}
    return Change(**(fields | {"properties": properties, "causes": (), "more_causes": 0} | given))


def found(record: str = "512", **given: Any) -> ItemAnswer:
    return ItemAnswer(found=Found(id=record, **given))


def refused(category: str, *codes: str, **given: Any) -> ItemAnswer:
    return ItemAnswer(error=ItemError(category=category, codes=codes, **given))


def started(**given: Any) -> Delivery:
    first = begin(change(**given))
    assert isinstance(first, Delivery)
    return first


def walk(delivery: Next, *answers: ItemAnswer) -> Next:
    """Give the answers one after the other."""
    for answer in answers:
        assert isinstance(delivery, Delivery), delivery
        delivery = after(delivery, answer, now=NOW)
    return delivery


def ended(delivery: Next, *answers: ItemAnswer) -> Finished:
    last = walk(delivery, *answers)
    assert isinstance(last, Finished), last
    return last


KNOWN = {"contact": "512", "confirmed_at": NOW - DAY}


def test_a_given_id_is_updated_by_id() -> None:
    """No email, no other step."""
    delivery = started(**KNOWN)
    assert (delivery.step, delivery.target) == ("update", "512")
    assert "email" not in properties_to_write(delivery)
    end = ended(delivery, found(updated_at=NOW))
    assert (end.result, end.contact, end.hubspot_at) == ("updated", "512", NOW)


@pytest.mark.parametrize("gone", [NOTHING, NOT_FOUND])
def test_a_missing_record_is_looked_for(gone: ItemAnswer) -> None:
    """Named as not found, or silently missing: active first, then the bin."""
    delivery = walk(started(**KNOWN), gone)
    assert isinstance(delivery, Delivery)
    assert delivery.step == "look"
    in_bin = walk(delivery, NOT_FOUND)
    assert isinstance(in_bin, Delivery)
    assert (in_bin.step, in_bin.target) == ("look_archived", "512")


def test_the_same_id_alive_is_updated_again() -> None:
    """HubSpot missed it once; it is not missed for ever, and not tried for ever."""
    again = walk(started(**KNOWN), NOTHING, found())
    assert isinstance(again, Delivery)
    assert (again.step, again.tries) == ("update", 2)
    assert ended(again, found()).result == "updated"
    end = ended(started(**KNOWN), *[NOTHING, found()] * 6)
    assert (end.result, end.reason and end.reason.code) == ("parked", "UPDATE_MISSED")


def test_another_id_is_a_merge() -> None:
    """The survivor is updated and reported; the outcome names what was asked for."""
    merged = walk(started(**KNOWN), NOTHING, found("900", properties={"line_user_id_1": U}))
    assert isinstance(merged, Delivery)
    assert (merged.step, merged.target, merged.shadowed) == ("update", "900", ())
    end = ended(merged, found("900"))
    outcome = outcome_of(end, at=NOW, generation=7, status=200, correlation="c")
    assert (outcome.result, outcome.contact, outcome.asked) == ("merged", "900", "512")


def test_a_slot_of_another_friend_is_left_alone() -> None:
    """Two friends were merged: the slot that names the other one is neither written nor lost, but listed."""
    other = {"line_user_id_1": "U" + "f" * 32, "line_user_id_2": None}
    merged = walk(started(**KNOWN), NOTHING, found("900", properties=other))
    assert isinstance(merged, Delivery)
    assert properties_to_write(merged) == {"line_user_id_2": U}
    outcome = outcome_of(ended(merged, found("900")), at=NOW, generation=7, status=200, correlation=None)
    assert outcome.shadowed == (1,)


def test_a_contact_with_no_slot_of_ours_is_linked_without_a_call() -> None:
    """There is nothing to write."""
    other = {"line_user_id_1": "U" + "f" * 32}
    delivery = started(**KNOWN, properties={"line_user_id_1": U, "line_follow_1": "true"})
    end = ended(delivery, NOTHING, found("900", properties=other))
    assert (end.result, end.contact, end.delivery.shadowed) == ("merged", "900", (1,))


def test_deleted_without_permission_is_gone() -> None:
    """Nothing is created; the time of deletion is told."""
    end = ended(started(**KNOWN), NOTHING, NOT_FOUND, found(archived_at=NOW - 5))
    assert (end.result, end.hubspot_at, end.reason and end.reason.code) == ("gone", NOW - 5, "archived")
    outcome = outcome_of(end, at=NOW, generation=1, status=200, correlation=None)
    assert (outcome.asked, outcome.contact) == ("512", None)


def test_deleted_with_permission_is_created() -> None:
    """All properties and the dummy address, lower-cased."""
    create = walk(started(**KNOWN, may_create=T), NOTHING, NOT_FOUND, found(archived_at=NOW))
    assert isinstance(create, Delivery)
    assert create.step == "create"
    assert properties_to_write(create)["email"] == f"{U}@line.me".lower()
    end = ended(create, found("77", created_at=NOW))
    assert (end.result, end.contact, end.delivery.asked) == ("created", "77", "512")


@pytest.mark.parametrize("permitted", [None, T])
def test_nowhere_and_lately_alive_is_never_created(permitted: Trigger | None) -> None:
    """It left the bin early, by a person's erasure: gone with its reason, whatever is permitted."""
    end = ended(started(**KNOWN, may_create=permitted), NOTHING, NOT_FOUND, NOT_FOUND)
    assert (end.result, end.reason and end.reason.code) == ("gone", "nowhere")


def test_nowhere_for_long_is_as_archived() -> None:
    """After 80 days the bin may have emptied itself."""
    old = {"contact": "512", "confirmed_at": NOW - 81 * DAY}
    assert ended(started(**old), NOTHING, NOT_FOUND, NOT_FOUND).result == "gone"
    create = walk(started(**old, may_create=T), NOTHING, NOT_FOUND, NOT_FOUND)
    assert isinstance(create, Delivery)
    assert create.step == "create"


def test_without_an_id_it_is_created() -> None:
    """One call."""
    end = ended(started(may_create=T), found("600", created_at=NOW))
    assert (end.result, end.contact) == ("created", "600")


def test_a_conflict_adopts_the_existing_contact() -> None:
    """Its slots are read first; the outcome says adopted."""
    adopted = walk(started(may_create=T), refused("CONFLICT", existing_ids=("41",)))
    assert isinstance(adopted, Delivery)
    assert (adopted.step, adopted.target) == ("look", "41")
    end = ended(adopted, found("41", properties={}), found("41"))
    assert (end.result, end.contact, end.delivery.tries) == ("adopted", "41", 1)


def test_a_conflict_without_an_id_is_looked_up_by_email() -> None:
    """Also one that names several: order proves nothing."""
    for error in (
        ItemError(category="CONFLICT"),
        ItemError(category="CONFLICT", existing_ids=("1", "2"), traces=("a", "b")),
    ):
        find = walk(started(may_create=T), ItemAnswer(error=error))
        assert isinstance(find, Delivery)
        assert find.step == "find"
        assert ended(find, found("41"), found("41")).result == "adopted"


def test_an_adopted_contact_that_vanished_is_created_again() -> None:
    """Deleted between CONFLICT and look: the change may create, so it does; but not for ever."""
    conflict = refused("CONFLICT", existing_ids=("41",))
    again = walk(started(may_create=T), conflict, NOT_FOUND, found("41", archived_at=NOW))
    assert isinstance(again, Delivery)
    assert (again.step, again.path) == ("create", "linked")
    assert ended(again, found("42")).result == "created"
    end = ended(started(may_create=T), *[conflict, NOT_FOUND, found("41", archived_at=NOW)] * 6)
    assert end.result == "parked"


def test_a_blocklisted_address_is_erased() -> None:
    """HubSpot's code for it is not published; its words are recognised by the door."""
    end = ended(started(may_create=T), refused("VALIDATION_ERROR", blocklisted=True))
    assert end.result == "erased"


def test_an_invalid_value_is_rejected_with_its_property() -> None:
    """Repeating it is pointless."""
    end = ended(started(**KNOWN), refused("VALIDATION_ERROR", "INVALID_OPTION", properties=("line_follow_1",)))
    assert end.result == "rejected"
    assert end.reason is not None
    assert (end.reason.code, end.reason.property) == ("INVALID_OPTION", "line_follow_1")


def test_trouble_of_one_item_is_tried_five_times_more_then_parked() -> None:
    """Each try waits longer; then the partition goes on without it."""
    busy = refused("INTERNAL_ERROR")
    delivery = walk(started(**KNOWN), *[busy] * 5)
    assert isinstance(delivery, Delivery)
    assert (delivery.tries, delivery.waits) == (6, True)
    assert ended(delivery, busy).result == "parked"


def test_a_missing_property_is_nobodys_fault() -> None:
    """It is told apart, and of a removed connection the values are left out."""
    missing = walk(
        started(**KNOWN), refused("VALIDATION_ERROR", "PROPERTY_DOESNT_EXIST", properties=("line_follow_1",))
    )
    assert isinstance(missing, PropertiesMissing)
    assert missing.names == ("line_follow_1",)
    left = without_connections(missing.delivery, frozenset({1}))
    assert isinstance(left, Delivery)
    assert properties_to_write(left) == {"line_user_id_2": U}


def test_an_unsure_answer_is_repeated_alone() -> None:
    """An error that names nobody condemns nobody."""
    again = walk(started(**KNOWN), ItemAnswer(unsure=True))
    assert isinstance(again, Delivery)
    assert (again.step, again.alone, again.tries) == ("update", True, 2)


def test_a_remembered_write_gives_the_id_and_uses_up_the_trigger() -> None:
    """A repetition after a crash does not create what a person deleted meanwhile."""
    written = Written(contact="9", at=NOW, trigger=Mark(id=T.id, at=T.at))
    delivery = begin(change(may_create=T), written)
    assert isinstance(delivery, Delivery)
    assert (delivery.step, delivery.target, delivery.asked, delivery.may_create) == ("update", "9", "9", False)
    assert ended(delivery, NOTHING, NOT_FOUND, found("9", archived_at=1)).result == "gone"
    newer = begin(change(may_create=Trigger(id="01K", at=T.at, kind="message")), written)
    assert isinstance(newer, Delivery)
    assert newer.may_create


def test_after_a_remembered_write_only_a_trigger_permits_a_creation() -> None:
    """Who had a contact and lost it does not get it back for a postback, even where the write carried no trigger."""
    written = Written(contact="9", at=NOW)
    postback = begin(change(may_create=Trigger(id="01J", at=T.at, kind="postback")), written)
    assert isinstance(postback, Delivery)
    assert not postback.may_create
    message = begin(change(may_create=T), written)
    assert isinstance(message, Delivery)
    assert message.may_create


def test_a_record_that_a_conflict_names_and_nobody_finds_is_not_created_anew() -> None:
    """It was looked for again and again; it may have been erased meanwhile."""
    conflict = refused("CONFLICT", existing_ids=("77",))
    step = walk(started(may_create=T), conflict)
    while isinstance(step, Delivery):
        assert step.step != "create"
        step = after(step, NOT_FOUND, now=NOW)
    assert isinstance(step, Finished)
    assert (step.result, step.reason and step.reason.code) == ("gone", "nowhere")


def test_a_change_keeps_its_own_id() -> None:
    """The fold has heard of what is remembered, and of more since."""
    delivery = begin(change(contact="512", confirmed_at=NOW), Written(contact="9", at=NOW))
    assert isinstance(delivery, Delivery)
    assert delivery.target == "512"


def test_a_contact_made_by_a_change_that_a_crash_forgot_is_written_instead_of_making_another() -> None:
    """The repeated change still names the deleted contact before it; an edited address would hide the younger one."""
    first = begin(change(**KNOWN, may_create=T), Written(contact="9", at=NOW))
    assert isinstance(first, Delivery)
    assert first.target == "512"
    second = walk(first, NOT_FOUND, NOT_FOUND, found("512", archived_at=NOW))
    assert isinstance(second, Delivery)
    assert (second.step, second.target) == ("look", "9")
    end = ended(second, found("9", properties={}), found("9"))
    assert (end.result, end.contact, end.delivery.asked) == ("merged", "9", "512")
    create = walk(second, NOT_FOUND, found("9", archived_at=NOW))
    assert isinstance(create, Delivery)
    assert create.step == "create"


def test_a_change_without_properties_only_looks() -> None:
    """All slots belong to others: there is nothing to write, and an update without values says nothing."""
    delivery = started(**KNOWN, properties={})
    assert delivery.step == "look"
    assert ended(delivery, found("512")).result == "updated"
    assert ended(delivery, found("900")).result == "merged"
    assert ended(delivery, NOT_FOUND, found(archived_at=NOW)).result == "gone"


def test_neither_id_nor_permission_is_gone() -> None:
    """No call is made."""
    first = begin(change())
    assert isinstance(first, Finished)
    assert first.result == "gone"


def test_the_outcome_echoes_the_change() -> None:
    """Revision, digest and trigger, so that the fold knows what is answered."""
    end = ended(started(may_create=T), found("600"))
    outcome = outcome_of(end, at=NOW, generation=4, status=201, correlation="abc")
    assert (outcome.revision, outcome.trigger, outcome.generation) == (3, Mark(id=T.id, at=T.at), 4)
    assert outcome.request is not None
    assert (outcome.request.call, outcome.request.status, outcome.request.correlation) == ("batch/create", 201, "abc")


def test_the_outcome_says_whether_its_permission_was_a_first_act() -> None:
    """A postback brings nobody back, so the sink must not take it for a delivered message."""
    for kind, first in (("message", False), ("follow", False), ("postback", True)):
        end = ended(started(may_create=Trigger(id="01J", at=1, kind=kind)), found("600"))
        assert outcome_of(end, at=NOW, generation=4, status=201, correlation=None).first_act is first


def test_the_trace_is_the_changes_own() -> None:
    """The same at every try, another for another body of the same revision."""
    delivery = started(**KNOWN)
    assert delivery.trace == replace(delivery, tries=4, step="look").trace
    assert delivery.trace != started(**KNOWN, properties={"line_user_id_1": U}).trace
    assert U not in delivery.trace


def test_a_single_batch_that_always_fails_is_parked() -> None:
    """The code of the trouble is the reason."""
    end = refused_too_often(started(**KNOWN), "hubspot_unavailable")
    assert (end.result, end.reason and end.reason.code) == ("parked", "hubspot_unavailable")
