"""Whatever happens in LINE and whatever people do in HubSpot, sweeps come to rest, and then all is as it shall be."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domain.batch_answers import Found
from domain.sweep import DAY_MS, Look, Seen, look_of, sight_of
from schemas.changes import Change
from schemas.outcomes import Outcome
from tests.unit.domain.world import T0, ContactRow, HubSpot, Story, answer_to, coded, event, message, order

HOUR = 3_600_000
LINE = ("follow", "unfollow", "message", "postback", "resync")
PEOPLE = ("edit", "delete", "restore", "merge", "erase", "edit email", "sweep", "a day passes")


class Portal(HubSpot):
    """A survivor of a merge may be deleted, too."""

    def write(self, change: Change, *, at: int) -> Outcome:
        survivor = self.merged.get(change.contact or "")
        row = self.contacts.get(survivor or "")
        if survivor is None or (row is not None and not row.archived):
            return super().write(change, at=at)
        if row is not None and change.may_create is not None:
            return self._create(change, at)
        return answer_to(change, "gone", at=at, contact=None, reason=coded("nowhere" if row is None else "archived"))


def found(hubspot: HubSpot, record: str) -> Found:
    row = hubspot.contacts[record]
    return Found(id=record, properties={"email": row.email, **row.properties}, archived_at=T0 if row.archived else None)


def seen(hubspot: HubSpot, look: Look, at: int) -> Seen:
    """What HubSpot answers to a look."""
    record = hubspot.merged.get(look.contact or "", look.contact)
    row = hubspot.contacts.get(record or "")
    alive = found(hubspot, record) if row is not None and not row.archived and record else None
    archived = found(hubspot, record) if row is not None and row.archived and record else None
    mailed = [one for one, row in hubspot.live.items() if row.email == look.email]
    by_email = found(hubspot, mailed[0]) if mailed else None
    return Seen(read_at=at, alive=alive, archived=archived, by_email=by_email)


def sweep(story: Story) -> Outcome | None:
    """Look once, and let fold and sink do what follows; returns what was told."""
    story.clock += 1000
    if story.friend.state is None:
        return None
    look = look_of(story.friend.row, now=T0 + story.clock)
    if look is None:
        return None
    told = sight_of(story.friend.row, seen(story.hubspot, look, T0 + story.clock), generation=1)
    if told is not None:
        story.friend.now = max(story.friend.now, T0 + story.clock)
        story.happens(told)
    return told


def act(story: Story, kind: str, at: int) -> None:
    """One thing that people do in HubSpot, to every contact it can be done to."""
    hubspot, live = story.hubspot, list(story.hubspot.live)
    story.clock += HOUR
    if kind == "sweep":
        sweep(story)
    elif kind == "a day passes":
        story.clock += DAY_MS
    elif kind == "restore":
        for record, row in hubspot.contacts.items():
            if row.archived and not live:  # else a person makes a double, which only a person can merge
                hubspot.restore(record)
                return
    for record in live:
        row = hubspot.contacts[record]
        if kind == "edit":
            hubspot.contacts[record] = replace(row, properties=row.properties | {"line_follow_1": "", "firstname": "x"})
        elif kind == "edit email":
            hubspot.edit_email(record, f"{at}@example.com")
        elif kind == "delete":
            hubspot.delete(record)
        elif kind == "erase":
            hubspot.erase(record)
        elif kind == "merge":
            survivor = str(7000 + at)
            hubspot.contacts[survivor] = ContactRow(row.email, row.properties)
            hubspot.merge(record, survivor)
            for old, into in hubspot.merged.items():
                hubspot.merged[old] = survivor if into == record else into


def line(story: Story, kind: str, at: int) -> None:
    if kind == "message":
        story.happens(message(at, f"text {at}"))
    elif kind == "resync":
        story.happens(order("resync", at))
    else:
        story.happens(event(kind, at))


STEPS = st.lists(st.sampled_from(LINE + PEOPLE), max_size=14)


@given(STEPS)
def test_sweeps_come_to_rest(steps: list[str]) -> None:
    """After what people did, some sweeps over some days tell all there is to tell; then contact and state agree."""
    story = Story(hubspot=Portal())
    for at, kind in enumerate(steps, 1):
        (line if kind in LINE else act)(story, kind, at)
    for _ in range(6):
        story.clock += DAY_MS + HOUR
        if sweep(story) is None:
            break
    story.clock += HOUR
    assert sweep(story) is None, "a sweep after the last one is a no-op"
    row = story.friend.state
    live = list(story.hubspot.live)
    assert len(live) <= 1
    if row is None or row.contact is None or row.contact.status != "live":
        assert not live or row is None or row.erased_at is not None
        return
    assert live == [row.contact.id]
    shown = story.hubspot.live[live[0]].properties
    assert {name: shown.get(name) for name in story.friend.shown} == story.friend.shown


@given(st.lists(st.sampled_from(LINE), max_size=10))
def test_a_sweep_over_what_nobody_touched_says_nothing(steps: list[str]) -> None:
    """However a friend came to be as it is, a contact that HubSpot has as we wrote it is no news."""
    story = Story(hubspot=Portal())
    for at, kind in enumerate(steps, 1):
        line(story, kind, at)
        assert sweep(story) is None
