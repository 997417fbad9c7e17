"""Laws of the turn for whatever LINE, HubSpot and the log may do: duplicates, any order, any outcomes."""

import msgspec
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.changes import read_change
from schemas.codec import digest_of, encode
from schemas.decisions import read_decision
from schemas.friends import FriendState, read_friend_state
from schemas.marks import Mark
from schemas.outcomes import Outcome
from schemas.requests import read_request
from tests.unit.domain.world import T0, Friend, event, imported, message, order, profile, reply, unsend

KINDS = ["message", "message", "follow", "unfollow", "unsend", "postback", "imported", "beacon", "newKind"]
IDS = [f"m{number}" for number in range(6)]
CONTACTS = ["901", "902", "903"]


@st.composite
def events(draw):
    """One event; times and ids come from a small pool, so that ties and unsends happen."""
    kind, at, connection = draw(st.sampled_from(KINDS)), draw(st.integers(0, 12)), draw(st.sampled_from([1, 1, 2]))
    if kind == "message":
        text, message_id = draw(st.sampled_from(["a", "b", " ", "\x00c\r\n"])), draw(st.sampled_from(IDS))
        return message(at, text, message_id=message_id, connection=connection, event_id=f"01M{at}{message_id}{text}")
    if kind == "unsend":
        message_id = draw(st.sampled_from(IDS))
        return unsend(at, message_id, connection=connection, event_id=f"01U{at}{message_id}")
    return imported(at, connection=connection) if kind == "imported" else event(kind, at, connection=connection)


def one_body_per_id(records):
    """A redelivery repeats its event: one id has one body."""
    return list({orjson.dumps([record.connection, record.event.get("webhookEventId", record.event)]): record
                 for record in records}.values())  # fmt: skip


def registers(friend: Friend, *, permit: bool = True) -> object:
    """All that is ordered by LINE's clock; when a profile was asked for is a matter of arrival."""
    row = friend.state or FriendState(friend=friend.id, revision=0)
    plain = {
        number: msgspec.structs.replace(connection, profile=None)
        for number, connection in row.connections.items()
        if msgspec.structs.replace(connection, profile=None) != type(connection)()
    }
    return plain, row.trigger, row.permit if permit else None


def folded(records, batches) -> Friend:
    friend, rest = Friend(), list(records)
    for size in batches:
        if rest:
            friend.take(*rest[:size])
            rest = rest[size:]
    if rest:
        friend.take(*rest)
    return friend


@given(st.lists(events(), max_size=14).map(one_body_per_id), st.data())
def test_duplicates_redeliveries_and_any_order_end_in_equal_registers_and_projection(records, data):
    again = [record for record in records if data.draw(st.booleans())]
    shuffled = data.draw(st.permutations(records + again))
    batches = data.draw(st.lists(st.integers(1, 5), max_size=6))
    one, other = folded(records, [len(records) or 1]), folded(shuffled, [len(shuffled) or 1])
    apart = folded(shuffled, batches)
    assert registers(one) == registers(other)
    assert registers(one, permit=False) == registers(apart, permit=False)
    if one.state is not None and apart.state is not None:
        assert one.shown == other.shown == apart.shown


@given(st.lists(events(), min_size=1, max_size=8))
def test_a_second_reading_of_the_log_moves_nothing(records):
    friend = folded(records, [2, 2, 2])
    made = friend.take(*records)
    assert made.state is None
    assert not made.changes


@st.composite
def acts(draw):
    """What may come next in a friend's life, as a function of the friend."""
    kind = draw(st.sampled_from(["event", "event", "answer", "answer", "stray", "sight", "again", "order", "result"]))
    if kind == "event":
        record = draw(events())
        return lambda friend: record
    if kind == "result":
        record = draw(st.sampled_from([profile(1_000), profile(2_000, None), reply(5), reply(9, "refused")]))
        return lambda friend: record
    if kind == "order":
        record = order(draw(st.sampled_from(["resync", "resync", "resync", "erase"])), draw(st.integers(0, 12)))
        return lambda friend: record
    return _about_hubspot(draw, kind)


def _about_hubspot(draw, kind):
    late = 20_000_000
    result = draw(st.sampled_from(
        ["alive", "archived", "restored", "merged", "erased", "drifted", "twin", "unanswered"] if kind == "sight"
        else ["created", "updated", "adopted", "merged", "gone", "gone", "erased", "rejected", "parked"]
    ))  # fmt: skip
    if result == "erased":
        result = draw(st.sampled_from(["erased", "alive" if kind == "sight" else "updated"]))
    fields = {
        "at": T0 + late + draw(st.integers(0, 50)),
        "generation": draw(st.integers(1, 3)),
        "shadowed": draw(st.sampled_from([(), (), (), (1,), (2,)])),
        "reason": draw(st.sampled_from([None, {"code": "nowhere"}, {"code": "archived"}])),
        "contact": draw(st.sampled_from(CONTACTS)),
        "asked": draw(st.sampled_from([None, *CONTACTS])),
    }
    pick = draw(st.integers(0, 5))

    def outcome(friend: Friend) -> Outcome:
        given = {"friend": friend.id, "result": result, "attempts": 1, **fields}
        linked = friend.row.contact.id if friend.state and friend.row.contact else None
        if kind == "sight":
            revision = friend.row.sent.revision if friend.state and friend.row.sent else 1
            given |= {"read_at": fields["at"], "revision": revision, "asked": linked or fields["asked"]}
        elif friend.changes:
            change = friend.changes[-1] if kind == "answer" else friend.changes[pick % len(friend.changes)]
            wanted = change.may_create
            given |= {
                "revision": change.revision,
                "digest": change.digest if kind == "answer" else "0" * 16,
                "trigger": Mark(id=wanted.id, at=wanted.at) if wanted else None,
                "asked": change.contact if kind == "answer" else fields["asked"],
            }
        else:
            given |= {"revision": 1, "digest": "0" * 16}
        return msgspec.convert(msgspec.to_builtins(given), Outcome)

    return outcome


def is_after(one, other) -> bool:
    return one is not None and (other is None or (one.at, one.id) > (other.at, other.id))


@settings(max_examples=300)
@given(st.lists(acts(), min_size=1, max_size=25))
def test_whatever_happens_the_invariants_of_a_friend_hold(sequence):
    friend = Friend()
    for act in sequence:
        before, record = friend.state, act(friend)
        made = friend.take(record)
        check_turn(before, friend, made, record)
        check_row(friend)


def check_turn(before, friend: Friend, made, record) -> None:
    assert len(made.changes) <= 1
    assert len(made.decisions) == 1
    assert (made.state is None) or made.state.revision == (before.revision if before else 0) + 1
    if before is not None and before.sent is not None:
        closes = isinstance(record, Outcome) and (
            record.revision == before.sent.revision
            and (record.result == "unanswered" or (record.read_at is None and record.digest == before.sent.digest))
        )
        assert closes or (not made.changes and friend.row.sent == before.sent), "two changes out at once"
    if before is not None and before.erased_at is not None and before.contact is None:
        assert not made.changes, "an erased friend was written"
        assert made.state is None or made.state.erased_at > before.erased_at
    for change in made.changes:
        row = friend.row
        assert (row.sent.revision, row.sent.digest) == (change.revision, change.digest)
        assert (change.revision, change.digest) == (row.revision, digest_of(change.properties))
        if row.contact.status == "gone":
            assert is_after(row.trigger, row.trigger_delivered), "a deleted contact was asked for without a trigger"
        if row.contact.status == "live" and change.may_create is not None:
            assert is_after(change.may_create, row.trigger_delivered)
        if change.may_create is not None and row.contact.status != "none":
            assert change.may_create.kind in ("message", "follow")


def check_row(friend: Friend) -> None:
    row = friend.state
    if row is None:
        return
    if row.contact is None:
        assert row == FriendState(friend=row.friend, revision=row.revision, erased_at=row.erased_at)
        return
    assert row.contact.status != "live" or row.contact.id is not None
    assert not is_after(row.trigger_delivered, row.trigger), "more was delivered than ever happened"
    assert not (row.rewrite and row.sent is None and row.blocked is None), "a rewrite is wanted and nobody does it"
    assert all(len(connection.unsent) <= 8 for connection in row.connections.values())


@given(st.lists(acts(), min_size=1, max_size=12))
def test_every_record_survives_its_own_bytes_and_they_are_those_of_orjson(sequence):
    friend = Friend()
    for act in sequence:
        made = friend.take(act(friend))
        written = [(read_change, made.changes), (read_decision, made.decisions), (read_request, made.requests)]
        written.append((read_friend_state, [made.state] if made.state else []))
        for read, records in written:
            for record in records:
                raw = encode(record)
                assert read(raw) == record
                assert raw == orjson.dumps(orjson.loads(raw))


@given(st.lists(acts(), min_size=1, max_size=20))
def test_a_turn_is_deterministic_and_leaves_its_state_alone(sequence):
    one, other = Friend(), Friend()
    for act in sequence:
        record = act(one)
        kept = encode(one.state)
        before = one.state
        first, second = one.take(record), other.take(record)
        assert encode(before) == kept
        assert encode([first.state, first.changes, first.decisions]) == encode(
            [second.state, second.changes, second.decisions]
        )
