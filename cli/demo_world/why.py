"""The program's own answer to "why", for the story to repeat."""

from cli.demo_world.world import World


async def sentences_about(world: World, friend: str, event_id: str) -> list[str]:
    """What `friendstream why` says about one event of a friend's."""
    said = await world.verb("why", friend, "--event", event_id, "--json")
    return [str(sentence["text"]) for sentence in said.json["sentences"]]
