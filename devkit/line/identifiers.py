"""Identifiers of LINE's shapes, drawn from one seed: the same seed gives the same world (facts/line.md 3, 4, 5)."""

import hashlib

from devkit.clock import Random, seeded

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
FIRST_MESSAGE_ID = 590_000_000_000_000_000  # beyond 2^53, as LINE's are: they only survive as strings


def ulid(at: int, chance: Random) -> str:
    """Return a ULID whose time part is `at` (ms)."""
    number = (at << 80) | chance.getrandbits(80)
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def ulid_ms(text: str) -> int:
    """Return the time part (ms) of a ULID."""
    return sum(CROCKFORD.index(letter) << (5 * place) for place, letter in enumerate(reversed(text[:10])))


class Identifiers:
    """Draws every identifier of one simulated world."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._chance = seeded(f"line:{seed}:identifiers")
        self._messages = FIRST_MESSAGE_ID

    def user_id(self, provider: str, person: str) -> str:
        """Return the id of a person at a provider: equal in all its channels, other at another provider."""
        return "U" + hashlib.sha256(f"{self._seed}:{provider}:{person}".encode()).hexdigest()[:32]

    def hexadecimal(self, prefix: str = "", digits: int = 32) -> str:
        """Return `prefix` and random lower-case hexadecimal digits."""
        return f"{prefix}{self._chance.getrandbits(4 * digits):0{digits}x}"

    def channel_id(self) -> str:
        """Return ten digits."""
        return str(self._chance.randrange(1_600_000_000, 2_100_000_000))

    def message_id(self) -> str:
        """Return the next message id, digits only."""
        self._messages += 1
        return str(self._messages)

    def webhook_event_id(self, at: int) -> str:
        """Return a ULID whose time lies 0-153 ms after the event, as in LINE's examples."""
        return ulid(at + self._chance.randrange(154), self._chance)

    def opaque(self, length: int = 64) -> str:
        """Return a token nobody can read anything from."""
        return "".join(self._chance.choices(CROCKFORD + CROCKFORD[10:].lower(), k=length))
