"""The pure parts of supervision: pauses, and the words for an ending."""

from __future__ import annotations

from runtime.supervisor import BackOff, described


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_calm_time() -> None:
    back_off = BackOff(first=0.2, longest=1.0, calm=30)
    pause, seen = 0.0, []
    for lived in (0, 0, 0, 0, 0, 31, 0):
        pause = back_off.after(pause, lived)
        seen.append(pause)
    assert seen == [0.2, 0.4, 0.8, 1.0, 1.0, 0.2, 0.4]


def test_an_ending_is_named() -> None:
    assert [described(code) for code in (70, -9, -64)] == ["exit code 70", "SIGKILL", "SIGRTMAX"]
