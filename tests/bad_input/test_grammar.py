"""A seed repeats a run."""

from tests.bad_input.grammar import bodies


def test_the_bodies_are_the_same_for_the_same_seed() -> None:
    first, again, other = ([body.raw for body in bodies(300, seed, "U" + "b" * 32)] for seed in (3, 3, 4))
    assert first == again
    assert first != other
