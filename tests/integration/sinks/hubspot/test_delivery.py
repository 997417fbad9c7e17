"""Changes in, contacts and outcomes out, on real Kafka."""

from __future__ import annotations

from tests.integration.sinks.hubspot.world import World, friend_id, make_change, permit


async def test_new_friends_become_contacts_in_full_batches(world: World) -> None:
    """250 permitted changes cost 3 creations, each friend gets one contact and one outcome, and all is committed."""
    friends = [friend_id(n) for n in range(250)]
    await world.send(*[make_change(friend, may_create=permit()) for friend in friends])
    world.start_sink()
    outcomes = await world.settled()
    assert sorted(one.friend for one in outcomes) == friends
    assert {one.result for one in outcomes} == {"created"}
    assert world.contact_calls() == 3
    by_id = {one.contact: one.friend for one in outcomes}
    found = {c.id: c.properties["line_user_id_1"] for c in world.hubspot.portal.contacts.after(0, archived=False)}
    assert found == by_id
    await world.stop_sink()
