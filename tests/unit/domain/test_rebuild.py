"""The states made again: nobody is re-created, nobody erased comes back, HubSpot's values are the oldest there are."""

from collections.abc import Iterable

import pytest

from domain.batch_answers import Found
from domain.order import is_newer
from domain.policy import FoldPolicy
from domain.projection import email_of, properties_of
from domain.rebuild import Rebuild, Rebuilt
from schemas.events import EventRecord
from schemas.friends import FriendState, Read
from schemas.marks import Mark
from schemas.outcomes import Outcome
from schemas.results import Result
from tests.unit.domain.world import RECEIVED, T0, Friend, U, answer_to, event, message, order, profile, reply, sight

V = "U" + "7b" * 16
READ_AT = T0 + 9_000_000
LINKED = "2024-11-20T03:11:22.123Z"
READ = Read(outcomes=7, results=5)
SHOWN = {
    "line_user_id_1": U,
    "line_user_name_1": "Mari",
    "line_user_picture_1": "https://p/1",
    "line_follow_1": "true",
    "line_id_sync_date_1": LINKED,
    "line_unanswered_1": "true",
    "line_last_response_1": "hello",
}


def contact(record: str = "901", *, archived_at: int | None = None, **properties: str | None) -> Found:
    return Found(id=record, properties={**SHOWN, **properties}, archived_at=archived_at)


def rebuilt(
    *records: EventRecord | Result | Outcome,
    contacts: Iterable[Found] = (),
    friend: Friend | None = None,
    pending: bool = False,
    policy: FoldPolicy | None = None,
) -> dict[str, Rebuilt]:
    """The states, by friend; `friend` is one whose changes and outcomes are in the log."""
    made = Rebuild(numbers=(1, 2), read_at=READ_AT, since=T0 - 1_000_000, policy=policy or FoldPolicy())
    for found in contacts:
        made.take_contact(found)
    for change in friend.changes if friend else ():
        made.take_change(change, pending=pending)
    for record in records:
        if isinstance(record, Outcome):
            made.take_outcome(record)
        elif isinstance(record, EventRecord):
            made.take_event(record)
        else:
            made.take_result(record)
    return {one.state.friend: one for one in made.rows(lambda _: READ)}


def row(*records: EventRecord | Result | Outcome, **given: object) -> FriendState:
    return rebuilt(*records, **given)[U].state  # type: ignore[arg-type]  # handed on


def then(state: FriendState, *records: EventRecord, now: int = RECEIVED) -> Friend:
    """The fold goes on from the state."""
    friend = Friend(state=state, now=now)
    friend.offsets |= {"contact.outcomes.v1": READ.outcomes, "line.results.v1": READ.results}
    friend.take(*records)
    return friend


def test_a_living_contact_is_linked_and_shows_what_it_shows():
    made = rebuilt(contacts=[contact()])[U]
    assert (made.state.contact.id, made.state.contact.status, made.unsettled) == ("901", "live", False)
    assert properties_of(U, made.state.connections) == SHOWN
    assert made.state.seen.contact == "901"
    assert made.state.read == READ


@pytest.mark.parametrize("unanswered", ["true", "false"])
def test_values_of_hubspots_are_older_than_any_event(unanswered):
    old = contact(line_unanswered_1=unanswered, line_last_response_1="old", line_follow_1="false")
    state = row(message(1, "new"), event("follow", 2), contacts=[old])
    shown = properties_of(U, state.connections)
    assert (shown["line_last_response_1"], shown["line_follow_1"], shown["line_unanswered_1"]) == (
        "new",
        "true",
        "true",
    )
    assert (shown["line_id_sync_date_1"], shown["line_user_name_1"]) == (LINKED, "Mari"), "the first link stays"
    untouched = row(contacts=[old])
    assert properties_of(U, untouched.connections)["line_unanswered_1"] == unanswered


def test_an_unsent_last_message_stays_unsent():
    assert properties_of(U, row(contacts=[contact(line_last_response_1="[unsent]")]).connections)[
        "line_last_response_1"
    ] == ("[unsent]")


def test_what_hubspot_does_not_have_is_named_for_the_fold_to_settle():
    made = rebuilt(message(1, "new"), contacts=[contact()])[U]
    assert made.unsettled
    friend = then(made.state, order("resync", 2))
    change = friend.changes[-1]
    assert (change.contact, change.may_create) == ("901", None), "an update, and never a creation"
    assert change.properties["line_last_response_1"] == "new"


def test_a_friend_whose_change_is_still_on_its_way_is_settled_after_it():
    before = Friend().linked(message(1, "hello"))
    before.take(message(2, "x"))
    assert rebuilt(contacts=[contact()], friend=before, pending=True)[U].unsettled
    assert not rebuilt(contacts=[contact()], friend=before)[U].unsettled


@pytest.mark.parametrize("contacts", [[], [contact(archived_at=T0 + 50)]])
def test_who_is_in_no_list_or_in_the_bin_is_gone_and_nothing_of_before_brings_them_back(contacts):
    told = [event("follow", 1, received_at=T0), message(2, "secret"), message(3)]
    state = row(*told, contacts=contacts)
    assert state.contact.status == "gone"
    assert state.trigger_delivered.at == T0 + 3, "Td is the newest T"
    friend = then(state, *told, event("postback", 10), event("unfollow", 11), order("resync", 12))
    assert not friend.changes
    friend.take(message(20, "back"))
    assert friend.changes[-1].may_create.at == T0 + 20
    assert friend.changes[-1].contact == (contacts[0].id if contacts else None)


def test_a_friend_only_hubspot_remembers_is_not_re_created_by_what_is_older_than_the_log():
    """Their events have left the log; a replay of one of them is no news."""
    friend = then(row(contacts=[contact(archived_at=T0)]), message(-2_000_000))
    assert not friend.changes
    friend.take(message(5))
    assert friend.changes


def test_a_friend_only_the_changes_remember_keeps_name_and_first_link():
    """Purged from the bin, out of the log: the compacted changes know the person."""
    before = Friend().linked(message(1, "hello"))
    before.take(profile(2, "Mari"))
    before.answer("updated")
    state = row(friend=before)
    assert (state.contact.status, state.contact.id) == ("gone", "901"), "for the sweep to look for, and the sink"
    assert properties_of(U, state.connections)["line_user_name_1"] == "Mari"
    assert state.revision > before.changes[-1].revision, "an old answer never fits a new change"


def test_who_was_erased_stays_erased():
    told = [message(1, "secret"), event("follow", 2)]
    erased = sight("erased", "901", at=5)
    for state in (
        row(erased, *told),
        row(*told, order("erase", 5), contacts=[contact()]),
        row(answer_to(Friend().linked().changes[0], "erased", contact=None, at=5), *told),
    ):
        assert state == FriendState(friend=U, revision=state.revision, erased_at=T0 + 5)
        assert not then(state, *told, message(20)).changes


def test_an_empty_change_is_the_mark_of_an_erasure():
    made = Rebuild(numbers=(1,), read_at=READ_AT, since=T0, policy=FoldPolicy())
    for change in Friend().linked(message(1, "secret")).changes:
        made.take_change(change, pending=False)
    made.take_empty_change(U, T0 + 5)
    made.take_event(message(1, "secret"))
    [one] = made.rows(lambda _: READ)
    assert one.state == FriendState(friend=U, revision=one.state.revision, erased_at=T0 + 5)


def test_who_began_anew_after_an_erasure_is_linked_and_has_nothing_of_before():
    anew = Friend(policy=FoldPolicy(recreate_after_erasure=True)).linked(message(1, "secret"))
    anew.take(order("erase", 5))
    anew.take(message(8, "new"))
    made = Rebuild(numbers=(1,), read_at=READ_AT, since=T0, policy=FoldPolicy(recreate_after_erasure=True))
    made.take_contact(contact(line_last_response_1="new"))
    made.take_empty_change(U, T0 + 5)
    made.take_change(anew.changes[-1], pending=False)
    for record in (message(1, "secret"), order("erase", 5), message(8, "new")):
        made.take_event(record)
    [one] = made.rows(lambda _: READ)
    assert (one.state.contact.status, one.state.erased_at) == ("live", T0 + 5)
    assert properties_of(U, one.state.connections)["line_last_response_1"] == "new"


def test_two_friends_merged_into_one_contact_are_both_linked_and_one_has_the_slot():
    """The dummy address of the one that went under is an additional one of the survivor."""
    survivor = contact(hs_additional_emails=email_of(V))
    made = rebuilt(message(1), message(1, friend=V), contacts=[survivor])
    assert made[U].state.contact.id == made[V].state.contact.id == "901"
    assert not made[U].state.connections["1"].shadowed
    assert made[V].state.connections["1"].shadowed


def test_a_living_contact_counts_more_than_a_deleted_one_and_the_oldest_of_twins():
    candidates = [contact("905"), contact("902", archived_at=T0), contact("903"), contact("904", archived_at=T0 + 1)]
    for order_of in (candidates, candidates[::-1]):
        assert row(contacts=order_of).contact.id == "903"
    assert row(contacts=[candidates[1], candidates[3]]).contact.id == "904"


def test_answers_of_lines_count_by_their_own_clock():
    state = row(message(1), reply(5), profile(6, "Mei"), contacts=[contact()])
    shown = properties_of(U, state.connections)
    assert (shown["line_unanswered_1"], shown["line_user_name_1"]) == ("false", "Mei")
    assert U not in rebuilt(profile(6)), "an answer alone makes nobody known"


def test_nothing_is_asked_of_line_and_an_event_without_a_time_makes_nobody():
    assert row(message(1)).connections["1"].profile is None
    assert not rebuilt(event("message", 0, event_id="x", received_at=1))


def test_delivered_is_never_older_than_the_trigger():
    for state in (row(message(1)), row(event("unfollow", 1)), row(contacts=[contact()])):
        trigger = None if state.trigger is None else Mark(id=state.trigger.id, at=state.trigger.at)
        assert not is_newer(trigger, state.trigger_delivered)
