from __future__ import annotations

import errno

import pytest

from ingress.records import KafkaRecord
from ingress.spool.contents import Contents
from ingress.spool.frames import HEADER_BYTES, frame, parse
from ingress.spool.store import FULL, OtherKey, SpoolStore
from runtime.sealing import SealingKey
from schemas.codec import encode
from schemas.events import EventRecord, read_event_record
from tests.unit.ingress.spool.breaking_disk import BreakingDisk, fail

KEY = SealingKey("a key for tests only, never for anything else")
MB = 1024 * 1024
FIRST = "000000000001.log"


def record(number: int, text: str = "テスト") -> KafkaRecord:
    event = EventRecord(connection=1, received_at=number, origin="webhook", event={"type": "message", "text": text})
    return KafkaRecord(
        "line.events.v1", number % 4, b"U%d" % number, encode(event), [("ce_id", b"%d" % number)], number
    )


def opened(disk: BreakingDisk, limit: int = MB, key: SealingKey = KEY) -> SpoolStore:
    store = SpoolStore(disk, Contents(key), limit)
    store.open()
    return store


def put(store: SpoolStore, *numbers: int) -> None:
    assert [outcome.refused for outcome in store.commit([[record(number)] for number in numbers])] == [None] * len(
        numbers
    )


def numbers_in(store: SpoolStore, limit: int = 1 << 40) -> list[int]:
    return [one.timestamp for one in store.read(limit).records]


def drain(store: SpoolStore, limit: int = 1 << 40) -> list[int]:
    found: list[int] = []
    while store.left:
        chunk = store.read(limit)
        found += [one.timestamp for one in chunk.records]
        assert store.advance(chunk) is None
    return found


def test_what_was_committed_is_read_back_in_order_with_its_origin_changed() -> None:
    store = opened(BreakingDisk())
    put(store, 1, 2)
    put(store, 3)
    chunk = store.read(1 << 40)
    assert [one.timestamp for one in chunk.records] == [1, 2, 3]
    assert (chunk.events, chunk.complete, store.events) == (3, True, 3)
    event = read_event_record(chunk.records[0].value)
    assert event.origin == "spool"
    assert (event.event, event.received_at) == ({"type": "message", "text": "テスト"}, 1)
    assert chunk.records[0]._replace(value=b"") == record(1)._replace(value=b"")


def test_a_dead_letter_keeps_its_bytes() -> None:
    store = opened(BreakingDisk())
    letter = KafkaRecord("dead.letters.v1", 0, b"connection:1", b"\x00hello", [("dl_reason", b"unreadable")], 1)
    store.commit([[letter]])
    assert store.read(MB).records == [letter]
    assert store.events == 0


def test_a_prepared_segment_takes_the_next_commit_with_one_sync_and_goes_when_nothing_needed_it() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    store.prepare()
    store.prepare()
    assert (disk.names(), store.left) == ([FIRST], 0)
    before = disk.syncs
    put(store, 1)
    assert disk.syncs == before + 1
    assert drain(store) == [1]
    store.prepare()
    store.advance(store.read(MB))
    assert disk.names() == ["position"]


def test_one_sync_makes_a_whole_batch_safe() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    before = disk.syncs
    put(store, *range(100))
    assert disk.syncs == before + 1


def test_no_byte_of_a_text_is_on_the_disk_in_clear_and_none_at_all_once_it_is_drained() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    store.commit([[record(1, "a very personal text")]])
    content = b"".join(bytes(file.now) for file in disk.files.values())
    assert b"personal" not in content
    assert b"message" not in content
    assert drain(store) == [1]
    assert disk.names() == ["position"]
    assert (store.bytes, store.events, store.left) == (0, 0, 0)


def test_drained_segments_are_deleted_while_later_ones_are_kept() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    for number in range(8):
        store.commit([[record(number, "x" * 30_000)]])
    segments = [name for name in disk.names() if name.endswith(".log")]
    assert len(segments) > 2
    chunk = store.read(100_000)
    store.advance(chunk)
    assert [name for name in disk.names() if name.endswith(".log")] < segments[1:] or segments[0] not in disk.names()
    assert drain(store) == list(range(len(chunk.records), 8))


def test_a_restart_goes_on_behind_what_was_drained_and_writes_into_a_new_segment() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    put(store, 1, 2, 3)
    one = store.read(1)
    store.advance(one)
    again = opened(disk)
    assert (again.events, numbers_in(again)) == (2, [2, 3])
    put(again, 4)
    assert drain(again) == [2, 3, 4]
    assert numbers_in(opened(disk)) == []


def test_a_tail_torn_at_any_byte_is_cut_to_the_last_whole_record() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    put(store, 1)
    put(store, 2)
    whole = bytes(disk.files[FIRST].now)
    first = parse(whole, complete=True).frames[0].end
    for length in range(len(whole) + 1):
        torn = BreakingDisk()
        torn.create(FIRST)
        torn.write(FIRST, 0, whole[:length])
        again = opened(torn)
        expected = [1, 2] if length == len(whole) else [1] if length >= first else []
        assert numbers_in(again) == expected
        assert (again.damaged, again.events) == (0, len(expected))
        assert torn.size(FIRST) == (len(whole) if length == len(whole) else first if length >= first else 0)
        put(again, 3)
        assert drain(again) == [*expected, 3]


def test_any_flipped_byte_costs_its_own_frame_alone_and_is_told_and_kept() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    for number in (1, 2, 3):
        put(store, number)
    whole = bytes(disk.files[FIRST].now)
    frames = parse(whole, complete=True).frames
    for at in range(frames[0].end, frames[1].end):
        broken = BreakingDisk()
        broken.create(FIRST)
        broken.write(FIRST, 0, whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        again = opened(broken)
        assert numbers_in(again) == [1, 3], at
        assert numbers_in(again) == [1, 3]
        assert again.damaged == 1, "counted once, however often it is read"
        (kept,) = [name for name in broken.names() if name.startswith("damaged-")]
        assert len(broken.files[kept].now) == frames[1].end - frames[0].end
        assert drain(again) == [1, 3]


def test_a_last_frame_that_is_all_there_but_wrong_is_damage_and_not_a_torn_tail() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    put(store, 1)
    disk.files[FIRST].now[-1] ^= 1
    again = opened(disk)
    assert numbers_in(again) == []
    assert again.damaged == 1


def test_a_frame_that_was_changed_with_a_right_checksum_does_not_open_and_is_kept() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    contents = Contents(KEY)
    put(store, 1)
    forged = bytearray(parse(contents.close([record(9)]), complete=True).frames[0].payload)
    forged[20] ^= 1
    disk.write(FIRST, disk.size(FIRST), frame(contents.key, bytes(forged), 1))
    again = opened(disk)
    assert numbers_in(again) == [1]
    assert again.damaged == 1


def test_frames_of_another_key_are_refused_at_the_start() -> None:
    disk = BreakingDisk()
    put(opened(disk), 1)
    with pytest.raises(OtherKey):
        opened(disk, key=SealingKey("another key for tests, just as long as it has to be"))
    assert numbers_in(opened(disk)) == [1]


def test_what_does_not_fit_is_refused_and_room_comes_back_when_it_is_drained() -> None:
    store = opened(BreakingDisk(), limit=100_000)
    big = [record(number, "x" * 30_000) for number in range(5)]
    refused = [outcome.refused for outcome in store.commit([[one] for one in big])]
    assert refused == [None, None, None, FULL, FULL]
    assert drain(store) == [0, 1, 2]
    assert [outcome.refused for outcome in store.commit([[big[3]]])] == [None]


def test_a_full_disk_refuses_repairs_its_tail_and_takes_again_once_there_is_room() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    put(store, 1)
    disk.capacity = disk.used() + 50  # in the middle of a frame
    with pytest.raises(OSError, match="no space"):
        store.commit([[record(2)]])
    with pytest.raises(OSError, match="no space"):
        store.commit([[record(3)]])
    disk.capacity = None
    put(store, 4)
    assert drain(store) == [1, 4]
    assert store.damaged == 0


def test_a_tail_that_cannot_be_repaired_lets_nothing_be_taken() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    put(store, 1)
    disk.faults["sync"] = fail(errno.EIO)
    with pytest.raises(OSError, match="broken"):
        store.commit([[record(2)]])
    disk.faults["truncate"] = fail(errno.EROFS)
    with pytest.raises(OSError, match="broken"):
        store.commit([[record(3)]])
    put(store, 4)
    assert drain(store) == [1, 4]


def test_after_a_failed_sync_a_segment_is_never_written_again() -> None:
    """The kernel may count pages as written that are not, so a second sync proves nothing."""
    disk = BreakingDisk()
    store = opened(disk)
    put(store, 1)
    size = disk.size(FIRST)
    disk.faults["sync"] = fail(errno.EIO)
    with pytest.raises(OSError, match="broken"):
        store.commit([[record(2)]])
    put(store, 3)
    assert disk.size(FIRST) == size
    assert len([name for name in disk.names() if name.endswith(".log")]) == 2


@pytest.mark.parametrize("operation", ["create", "sync_directory", "write", "sync"])
def test_trouble_with_the_first_segment_is_refused_and_overcome(operation: str) -> None:
    disk = BreakingDisk()
    store = opened(disk)
    disk.faults[operation] = fail(errno.EIO)
    with pytest.raises(OSError, match="broken"):
        store.commit([[record(1)]])
    put(store, 2)
    assert drain(store) == [2]


def test_a_spool_that_could_not_be_opened_opens_with_the_first_append() -> None:
    disk = BreakingDisk()
    put(opened(disk), 1)
    store = SpoolStore(disk, Contents(KEY), MB)
    disk.faults["prepare"] = fail(errno.EROFS)
    with pytest.raises(OSError, match="broken"):
        store.open()
    put(store, 2)
    assert drain(store) == [1, 2]


def test_a_position_that_cannot_be_kept_costs_a_second_sending_and_no_more() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    put(store, 1, 2, 3)
    disk.faults["create"] = fail(errno.ENOSPC)
    assert store.advance(store.read(1)) == "ENOSPC"
    assert numbers_in(store) == [2, 3]
    assert numbers_in(opened(disk)) == [1, 2, 3]


def test_a_segment_that_cannot_be_deleted_is_not_read_again_and_is_deleted_later() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    put(store, 1)
    disk.faults["remove"] = fail(errno.EROFS)
    assert store.advance(store.read(MB)) == "EROFS"
    assert (store.left, numbers_in(store)) == (0, [])
    assert store.bytes > 0
    put(store, 2)
    assert drain(store) == [2]
    assert disk.names() == ["position"]


def test_a_position_that_points_into_a_deleted_segment_never_passes_over_what_is_written_later() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    put(store, 1, 2)
    assert store.advance(store.read(1)) is None
    disk.faults["write"] = fail(errno.ENOSPC)  # a disk that copies on write, full
    assert store.advance(store.read(MB)) == "ENOSPC"
    assert disk.names() == ["position"]
    again = opened(disk)
    put(again, 3)
    assert again.left
    assert numbers_in(opened(disk)) == [3]
    assert drain(again) == [3]


def test_a_position_torn_in_the_middle_falls_back_to_the_one_before() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    put(store, 1, 2, 3)
    store.advance(store.read(1))
    first = bytes(disk.files["position"].now)
    store.advance(store.read(1))
    second = bytes(disk.files["position"].now)
    changed = [at for at in range(len(first)) if first[at] != second[at]]
    for at in changed:
        disk.files["position"].now[:] = second[:at] + first[at:] if at > changed[0] else first
        assert numbers_in(opened(disk)) in ([2, 3], [3])


def test_a_webhook_larger_than_the_window_is_read_whole() -> None:
    store = opened(BreakingDisk(), limit=16 * MB)
    put(store, 1)
    store.commit([[record(2, "x" * (3 * MB))]])
    put(store, 3)
    assert drain(store, limit=1000) == [1, 2, 3]


def test_a_file_that_became_shorter_is_damage_and_stops_nothing() -> None:
    disk = BreakingDisk()
    store = opened(disk)
    put(store, 1)
    store.commit([[record(2)]])
    disk.truncate(FIRST, disk.size(FIRST) - HEADER_BYTES)
    assert numbers_in(store) == [1]
    assert store.damaged
    assert store.advance(store.read(MB)) is None
    put(store, 3)
    assert drain(store) == [3]
