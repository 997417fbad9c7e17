"""Laws of what it means (DESIGN 4): registers, settle, outcomes."""
# ruff: noqa: E501  the code that is changed is quoted as it stands

from __future__ import annotations

from tests.sabotage.law import Chapter, Edit, law

UNIT = "tests/unit/domain"
SETTLE = f"{UNIT}/test_settle.py"
OUTCOMES = f"{UNIT}/test_outcomes.py"
SIGHTS = f"{UNIT}/test_sights.py"
TABLE = f"{UNIT}/test_table_of_contacts.py"
REGISTERS = f"{UNIT}/test_registers.py"

CHAPTER = Chapter(
    "The reconciler",
    (
        law(
            "one change is open",
            "while a change is open nothing else is sent",
            "two changes race: the older one wins, or two contacts are made",
            f"{SETTLE}::test_while_a_change_is_open_nothing_is_sent_and_afterwards_one_change_carries_all",
            Edit(
                "domain/settle.py",
                "    if draft.sent is not None:\n        return _WAITING\n    undelivered",
                "    undelivered",
            ),
        ),
        law(
            "T <= Td creates nothing",
            "only a trigger newer than the last one that a write carried brings a contact back",
            "a redelivery or a replay creates whom somebody deleted",
            f"{TABLE}::test_row_5_a_redelivery_or_an_older_event_brings_nothing_back",
            Edit(
                "domain/settle.py",
                "undelivered = is_newer(draft.trigger, draft.delivered)",
                "undelivered = draft.trigger is not None",
            ),
        ),
        law(
            "T > Td is delivered once",
            "a newer trigger reaches HubSpot though the content is equal",
            "a friend who writes the same text again after a deletion never comes back",
            f"{TABLE}::test_row_6_the_same_text_again_still_reaches_hubspot_once",
            Edit("domain/settle.py", "if shadowed or not undelivered:", "if True:"),
        ),
        law(
            "only messages and follows are triggers",
            "a postback, an import or a profile never bring a contact back",
            "whoever was deleted returns without having written",
            f"{TABLE}::test_nothing_else_brings_a_deleted_contact_back",
            Edit(
                "domain/registers.py",
                'TRIGGERS = frozenset({"message", "follow"})',
                'TRIGGERS = frozenset({"message", "follow", "postback"})',
            ),
        ),
        law(
            "who leaves makes no contact",
            "an unfollow or an unsend creates nothing",
            "strangers who blocked the account become contacts",
            f"{TABLE}::test_nothing_else_makes_the_first_contact",
            Edit(
                "domain/registers.py",
                '"videoPlayComplete", "beacon"})',
                '"videoPlayComplete", "beacon", "unfollow", "unsend"})',
            ),
        ),
        law(
            "the digest is matched",
            "an answer closes the change only if its content is the one that was asked for",
            "after a crash the answer to another body of the same revision is believed",
            f"{SETTLE}::test_the_answer_must_match_revision_digest_and_trigger",
            Edit("domain/outcomes.py", "        and outcome.digest == sent.digest\n", ""),
        ),
        law(
            "the trigger is matched",
            "an answer closes the change only if its permission is the one that was given",
            "a message is taken for delivered that no write carried",
            f"{SETTLE}::test_the_answer_must_match_revision_digest_and_trigger",
            Edit("domain/outcomes.py", "        and outcome.trigger == sent.trigger\n", ""),
        ),
        law(
            "the generation is compared",
            "what an older owner wrote late is written over",
            "a stale contact stays, and nobody knows",
            f"{OUTCOMES}::test_a_late_write_while_the_next_creation_is_open_is_overwritten",
            Edit("domain/outcomes.py", "outcome.generation < seen.generation", "False"),
        ),
        law(
            "what a crash forgot is written over",
            "a write of a change that nobody remembers is written over",
            "after a crash of the fold a contact keeps what the state does not know",
            f"{OUTCOMES}::test_a_change_that_a_crash_forgot_is_overwritten_once_it_was_written",
            Edit("domain/outcomes.py", " or _wrote_something_else(draft, outcome)):", "):"),
        ),
        law(
            "read offsets of outcomes",
            "an outcome at or below the state's offset is not folded again",
            "after a crash old outcomes undo newer ones",
            f"{OUTCOMES}::test_an_outcome_is_folded_once",
            Edit("domain/turn.py", "if item.offset > read.outcomes:", "if True:"),
        ),
        law(
            "read offsets of results",
            "a result at or below the state's offset is not folded again",
            "a replay counts twice",
            f"{OUTCOMES}::test_a_result_is_folded_once",
            Edit("domain/turn.py", "if item.offset <= read.results:", "if False:"),
        ),
        law(
            "the loop guard",
            "five writes in an hour without a LINE event, and no more",
            "two programs that disagree write for ever, at the cost of the whole quota",
            f"{SETTLE}::test_five_writes_in_an_hour_without_a_line_event_and_no_more",
            Edit("domain/settle.py", "if writes.count >= policy.loop_writes:", "if False:"),
        ),
        law(
            "refused content is not sent again",
            "what HubSpot refused waits for new content or a newer trigger",
            "one wrong value is sent for ever",
            f"{SETTLE}::test_what_hubspot_refused_is_not_sent_again",
            Edit(
                "domain/settle.py",
                "if draft.blocked is not None and _refused_before(",
                "if False and _refused_before(",
            ),
        ),
        law(
            "a late creation is linked",
            "a contact that an answer to nothing names is linked and written",
            "a create of a dying owner leaves a second contact, and both go on",
            f"{OUTCOMES}::test_a_write_that_answers_nothing_relinks_and_asks_for_a_rewrite",
            Edit(
                "domain/outcomes.py",
                '    draft.contact = Contact(id=contact, status="live", at=at)\n    draft.rewrite = True',
                "    draft.rewrite = True",
            ),
        ),
        law(
            "gone is about the linked contact",
            "gone counts only if it asked for the contact that is linked now",
            "the deletion of an old record unlinks the new one",
            f"{OUTCOMES}::test_gone_counts_only_for_the_linked_contact",
            Edit("domain/outcomes.py", "elif _asked(outcome) == linked:", "else:"),
        ),
        law(
            "a sweep does not interrupt",
            "what a sweep saw counts only while nothing is open",
            "a look from before the answer undoes what was just written",
            f"{SIGHTS}::test_a_sweep_counts_only_while_nothing_is_open",
            Edit("domain/outcomes.py", "if draft.sent is not None or outcome.result ==", "if outcome.result =="),
        ),
        law(
            "a sweep looked after the write",
            "a sweep that looked before the last write counts for nothing",
            "old news deletes, restores or rewrites",
            f"{SIGHTS}::test_a_sweep_that_looked_before_the_last_write_counts_for_nothing",
            Edit("domain/outcomes.py", " or read_at <= last_write:", ":"),
        ),
        law(
            "a sweep speaks of the linked contact",
            "what a sweep saw of another record counts for nothing",
            "the deletion of a twin unlinks the right contact",
            f"{SIGHTS}::test_a_sweep_that_looked_at_another_contact_counts_for_nothing",
            Edit("domain/outcomes.py", "if not _speaks_of(draft.contact.id, outcome):", "if False:"),
        ),
        law(
            "LINE's clock orders messages",
            "the newest message by LINE's time and id is shown, in whatever order they come",
            "a message that arrives late replaces a newer one",
            f"{REGISTERS}::test_the_newest_message_is_shown_and_messages_of_one_millisecond_are_ordered_by_their_ids",
            Edit(
                "domain/registers.py",
                "if inbound is None or at > inbound.at or (at == inbound.at and event_id > inbound.id):",
                "if True:",
            ),
        ),
        law(
            "LINE's clock orders follows",
            "the newest follow or unfollow says whether the friend follows",
            "an unfollow that arrives late hides a friend",
            f"{REGISTERS}::test_the_newest_of_follow_unfollow_and_import_says_whether_the_friend_follows",
            Edit(
                "domain/registers.py",
                "if follow is None or at > follow.at or (at == follow.at and event_id > follow.id):",
                "if True:",
            ),
        ),
        law(
            "ties have an order",
            "events of one millisecond are ordered by their ids",
            "two readers of the same log end in different states",
            f"{REGISTERS}::test_follow_and_unfollow_of_one_millisecond_are_ordered_by_their_ids",
            Edit("domain/registers.py", "(at == follow.at and event_id > follow.id)", "at == follow.at"),
        ),
        law(
            "absurd times decide nothing",
            "a time that cannot be true is replaced by the one in the event's id",
            "one event of the year 3000 freezes a register for ever",
            f"{UNIT}/test_event_time.py::test_an_absurd_timestamp_is_replaced_by_the_time_inside_the_id",
            Edit("domain/event_time.py", "if type(at) is int and EARLIEST <= at <= latest:", "if type(at) is int:"),
        ),
        law(
            "an unsent text is forgotten",
            "nothing of an unsent message stays in the state",
            "HubSpot goes on showing what a person took back",
            f"{REGISTERS}::test_nothing_of_an_unsent_text_stays_in_the_state",
            Edit(
                "domain/registers.py",
                "inbound = Inbound(at=inbound.at, id=inbound.id, message=message, kind=inbound.kind, retracted=True)",
                "inbound = Inbound(at=inbound.at, id=inbound.id, message=message, kind=inbound.kind, text=inbound.text, retracted=True)",
            ),
        ),
        law(
            "a 404 blanks nothing",
            "a profile that was not found never blanks a known name",
            "everyone who blocks the account loses the name",
            f"{REGISTERS}::test_a_profile_that_was_not_found_never_blanks_a_name",
            Edit("domain/results.py", "if not new.found:", "if False:"),
        ),
        law(
            "the past of the erased",
            "what happened before an erasure never folds again",
            "a replay brings back whom privacy erased",
            f"{UNIT}/test_erasure.py::test_a_friend_who_starts_afresh_has_nothing_of_before",
            Edit("domain/events.py", "if draft.erased_at is not None and at <= draft.erased_at:", "if False:"),
        ),
        law(
            "the erased get nothing",
            "an erased friend gets nothing, ever",
            "a person who was erased is created again",
            f"{SETTLE}::test_an_erased_friend_gets_nothing_ever",
            Edit(
                "domain/settle.py",
                'if status == "erased":\n        return _ERASED\n    if draft.sent is not None:\n        return _WAITING\n    undelivered',
                "if draft.sent is not None:\n        return _WAITING\n    undelivered",
            ),
            Edit(
                "domain/events.py",
                'if draft.contact.status == "erased" and not _begins_anew(draft, kind, policy):',
                "if False:",
            ),
        ),
        law(
            "the erased row is bare",
            "after an erasure the row is friend, time and revision",
            "personal data stays in the topic and the store",
            f"{OUTCOMES}::test_erased_leaves_exactly_the_erased_row",
            Edit("domain/draft.py", 'if draft.contact.status == "erased" and draft.sent is None:', "if False:"),
        ),
        law(
            "late profiles of the erased",
            "a profile counts after an erasure only if it was asked for since",
            "name and picture of an erased friend come back",
            f"{UNIT}/test_erasure.py::test_a_profile_counts_after_an_erasure_only_if_it_was_asked_for_since",
            Edit(
                "domain/turn.py",
                "if draft.erased_at is not None and (asked_at is None or asked_at <= draft.erased_at):",
                "if False:",
            ),
        ),
        law(
            "shadowed slots are left out",
            "a slot that belongs to another friend is not written",
            "two merged friends overwrite each other for ever",
            f"{SETTLE}::test_a_shadowed_slot_is_left_out_and_its_trigger_is_not_asked_for",
            Edit("domain/projection.py", "if connection.shadowed:", "if False:"),
        ),
        law(
            "nothing is written where nothing changed",
            "what HubSpot holds already is not sent again",
            "every event costs a call, and property histories fill",
            f"{SETTLE}::test_what_hubspot_holds_already_is_not_sent_again",
            Edit("domain/settle.py", "if in_place and not draft.rewrite:", "if False:"),
        ),
    ),
)

SWEEP = "tests/unit/domain/test_sweep.py"

LOOKING = Chapter(
    "The sweep",
    (
        law(
            "nothing is asked while a change is open",
            "a friend whose change is open is not looked for",
            "the look and the write cross, and the older one is believed",
            f"{SWEEP}::test_while_a_change_is_open_nothing_is_asked",
            Edit(
                "domain/sweep.py",
                '    if contact is None or row.sent is not None:\n        return None\n    if contact.status == "live":',
                '    if contact is None:\n        return None\n    if contact.status == "live":',
            ),
        ),
        law(
            "no news is not told",
            "a contact as it shall be says nothing",
            "every walk writes a million outcomes",
            f"{SWEEP}::test_a_contact_as_it_shall_be_is_no_news",
            Edit("domain/sweep.py", "    if differing(wanted,", "    if True or differing(wanted,"),
        ),
        law(
            "erased is seen twice",
            "a contact that left the bin early is erased only a day after the first look",
            "one wrong answer of HubSpot forgets a friend for ever",
            f"{SWEEP}::test_nowhere_is_told_once_and_erased_a_day_later",
            Edit(
                "domain/sweep.py",
                "if seen.read_at - contact.nowhere_at >= DAY_MS else None",
                "if seen.read_at else None",
            ),
        ),
        law(
            "an edit is put right",
            "what a person changed in our properties is told and written again",
            "a contact says something else than the friend did, for ever",
            f"{SWEEP}::test_an_edit_of_ours_is_told_and_put_right",
            Edit("domain/sweep.py", "    if differing(wanted,", "    if False and differing(wanted,"),
        ),
        law(
            "only a user id names another friend",
            "a slot belongs to another friend only if it holds a LINE user id",
            "a typing mistake of a salesperson cuts a friend off",
            f"{SWEEP}::test_only_line_user_ids_name_another_friend",
            Edit("domain/sweep.py", "and _LINE_USER_ID.fullmatch(value.strip())", "and value"),
        ),
    ),
)
