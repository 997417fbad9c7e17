"""Reading friends from friends.v1: one by id, or all of them.

Law: the newest record of a key is its row; the topic is the only source, so every reader sees what the fold wrote.
"""

from collections.abc import AsyncIterator

from runtime.appender import partition_of
from runtime.log_reader import partition_count, read_log
from runtime.refusal import NOT_FOUND, Refusal
from schemas.friends import FriendState, read_friend_state
from schemas.topics import FRIENDS


async def friend_partition(brokers: str, friend: str) -> int:
    """The partition number that everything about this friend has."""
    return partition_of(friend.encode(), await partition_count(brokers, FRIENDS.name))


async def one_row(brokers: str, friend: str) -> FriendState:
    """The friend's newest row; Refusal 3 when there is none."""
    newest: bytes | None = None
    async for record in read_log(brokers, FRIENDS.name, partitions=[await friend_partition(brokers, friend)]):
        if record.key == friend.encode():
            newest = record.value
    if newest is None:
        raise Refusal(
            NOT_FOUND,
            "no_such_friend",
            "no state is kept under this id",
            where=f"topic {FRIENDS.name}",
            next_step="check the id (U and 32 hex digits); a user who only wrote in groups has no state",
        )
    return read_friend_state(newest)


async def all_rows(brokers: str) -> AsyncIterator[FriendState]:
    """Every friend's newest row, in no order."""
    newest: dict[bytes, bytes] = {}
    async for record in read_log(brokers, FRIENDS.name):
        if record.value is None:
            newest.pop(record.key, None)
        else:
            newest[record.key] = record.value
    for row in newest.values():
        yield read_friend_state(row)
