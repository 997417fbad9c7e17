"""What an operator may set about the fold. Law: frozen, and handed in; nothing here reads a setting."""

from dataclasses import dataclass

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldPolicy:
    """Times are milliseconds."""

    recreate_after_erasure: bool = False
    profile_max_age_ms: int = 24 * HOUR_MS
    profile_ask_again_ms: int = HOUR_MS
    loop_writes: int = 5
    loop_window_ms: int = HOUR_MS
