"""The words of the pages.

Law: a page takes its words from here by name, so that another language is another table and no other change. English
serves every language until the Japanese table is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["ja", "en"]
Texts = Mapping[str, str]

ENGLISH: Final[Texts] = {
    "home": "friendstream",
    "home_lead": "LINE friends, kept true in HubSpot.",
    "find_friend": "Find a friend by LINE user id",
    "find": "Find",
    "flow": "Flow",
    "flow_lead": "What passes through this worker since it started.",
    "friend": "Friend",
    "contact": "Contact",
    "contact_status": "Status",
    "contact_id": "HubSpot record",
    "contact_at": "Since or last confirmed",
    "revision": "Revision",
    "newest_trigger": "Newest message or follow",
    "delivered_trigger": "Newest one that HubSpot has",
    "open_change": "Change on its way",
    "none": "none",
    "blocked": "Blocked",
    "erased": "Erased for privacy",
    "erased_lead": "Nothing is kept about this friend but that, and nothing will be sent.",
    "connection": "Connection",
    "name": "Name",
    "follows": "Follows",
    "yes": "Yes",
    "no": "No",
    "last_message": "Last message",
    "last_message_at": "Received",
    "retracted": "unsent by the friend",
    "answered_at": "Last answer",
    "linked_at": "Linked",
    "connections": "Connections",
    "ledger": "What happened, and why",
    "ledger_part": "Only the newest records were looked at; `friendstream why` reads all.",
    "ledger_empty": "No record in the log.",
    "ledger_away": "The log could not be read in time.",
    "dead_letters": "Dead letters",
    "dead_letters_lead": "Records that nobody could process. They are kept byte for byte until retention takes them.",
    "dead_letters_none": "None of that kind.",
    "dead_letters_part": "Only the newest records were looked at; `friendstream deadletters list` reads all.",
    "dead_letters_replay": "A letter is looked at, put back and dropped with the command line:",
    "stage": "Stage",
    "reason": "Reason",
    "settled": "also replayed and dropped ones",
    "show": "Show",
    "found": "Found",
    "letter": "Letter",
    "from": "From",
    "key": "Key",
    "bytes": "Bytes",
    "became": "Became",
    "time": "Time",
    "what": "What",
    "trace": "Trace",
}


def texts_for(language: Language) -> Texts:
    """The table of a language."""
    return {"en": ENGLISH, "ja": ENGLISH}[language]
