"""Names and pictures of invented people."""

from collections.abc import Iterator

from devkit.clock import seeded

GIVEN = ("Mari", "ゆき", "健太", "Somchai", "กานต์", "Anna", "さくら", "俊介", "Ploy", "美咲", "Leo", "ひろ🌸")
FAMILY = ("Sato", "鈴木", "Suzuki", "高橋", "Wong", "田中", "Srisai", "Ito", "渡辺", "Chen")


def portraits(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield `count` display names, each with a picture URL of LINE's picture host (facts/line.md 11)."""
    chance = seeded(f"line:{seed}:portraits")
    for _ in range(count):
        name = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}"
        yield name, f"https://profile.line-scdn.net/0h{chance.getrandbits(96):024x}"
