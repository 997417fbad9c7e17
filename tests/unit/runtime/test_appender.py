"""The partitioner is Java's, and sizes are never underestimated."""

from __future__ import annotations

import pytest

from runtime.appender import partition_of, size_of


@pytest.mark.parametrize(
    ("key", "murmur2"), [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)]
)
def test_partition_of_is_murmur2_as_in_java(key: bytes, murmur2: int) -> None:
    # the hashes of Kafka's own UtilsTest
    assert partition_of(key, 12) == (murmur2 & 0x7FFFFFFF) % 12


def test_size_counts_key_value_and_headers() -> None:
    assert size_of((None, None, [])) > 0
    assert size_of((b"k" * 100, b"v" * 1000, [("h" * 10, b"x" * 50)])) > 1160
