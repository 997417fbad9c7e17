"""What the kinds of events, answers and sights are called in a sentence. Law: names and codes, never content."""

from schemas.outcomes import Outcome

_ARTICLES = {
    "message": "a message",
    "follow": "a follow",
    "unfollow": "an unfollow",
    "unsend": "an unsent message",
    "imported": "an import",
    "postback": "a postback",
    "beacon": "a beacon",
    "videoPlayComplete": "a watched video",
    "accountLink": "an account link",
    "membership": "a membership",
    "erase": "an order to erase",
    "resync": "an order to write again",
}
_RESULTS = {"profile": "Profile from LINE", "message": "Message of ours"}


def article_of(kind: str) -> str:
    """An event of this kind, with its article."""
    return _ARTICLES.get(kind) or f"an event of the kind {kind}"


def subject_of(kind: str, *, outcome: bool, event: bool = False) -> str:
    """How a sentence about a record of this kind begins."""
    if outcome:
        return f"HubSpot's answer `{kind}`"
    if not event:
        return _RESULTS.get(kind, kind)
    words = article_of(kind).split(" ", 1)[1]
    return words[0].upper() + words[1:]


def answer_words(outcome: Outcome) -> str:
    """What HubSpot did with a change."""
    contact, code = outcome.contact, _code(outcome)
    match outcome.result:
        case "created":
            return f"created contact {contact}"
        case "updated":
            return f"updated contact {contact}"
        case "adopted":
            return f"had contact {contact} with this address, which was taken over"
        case "merged":
            return f"had merged the contact into {contact}, which was updated"
        case "gone" if code == "nowhere":
            return "has the contact neither alive nor in its bin"
        case "gone":
            return "has the contact in its bin"
        case "erased":
            return "has erased the contact for privacy"
        case "rejected":
            return f"refused it as invalid{_in_brackets(outcome)}"
        case _:
            return f"did not take it for now{_in_brackets(outcome)}"


def seen_words(outcome: Outcome) -> str:
    """What a sweep saw."""
    contact = outcome.contact or outcome.asked
    if contact is None and outcome.result != "unanswered":
        return "found no contact of this friend"
    match outcome.result:
        case "archived" if _code(outcome) == "nowhere":
            return f"found contact {contact} neither alive nor in the bin"
        case "archived":
            return f"saw contact {contact} deleted"
        case "restored":
            return f"saw contact {contact} restored"
        case "merged":
            return f"saw contact {outcome.asked} merged into {outcome.contact}"
        case "erased":
            return f"saw contact {contact} erased for privacy"
        case "drifted":
            return f"saw that contact {contact} was edited"
        case "twin":
            return f"found a second contact {contact} with this friend's id"
        case "unanswered":
            return f"found that revision {outcome.revision} was never answered"
        case _:
            return f"saw contact {contact} alive"


def _code(outcome: Outcome) -> str | None:
    return None if outcome.reason is None else outcome.reason.code or outcome.reason.category


def _in_brackets(outcome: Outcome) -> str:
    parts = [_code(outcome), None if outcome.reason is None else outcome.reason.property]
    said = ", ".join(part for part in parts if part)
    return f" ({said})" if said else ""
