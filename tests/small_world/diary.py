"""How the diary of a broken law names things."""

from schemas.changes import Change
from schemas.outcomes import Outcome


def change_text(change: Change) -> str:
    """A change, as the diary calls it."""
    to = f"for contact {change.contact}" if change.contact else "without an id"
    return f"a change {to}" + (f" that may create for the {change.may_create.kind}" if change.may_create else "")


def outcome_text(outcome: Outcome) -> str:
    """An outcome or a sight, as the diary calls it."""
    asked = f", asked {outcome.asked}" if outcome.asked and outcome.asked != outcome.contact else ""
    code = f" ({outcome.reason.code})" if outcome.reason else ""
    kind = "the sight" if outcome.read_at is not None else "the outcome"
    return f"{kind} '{outcome.result}{code}' of contact {outcome.contact}{asked}"
