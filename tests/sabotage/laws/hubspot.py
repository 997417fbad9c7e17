"""Laws of the sinks: what is written to HubSpot, and sent through LINE (DESIGN 4.4)."""

from __future__ import annotations

from tests.sabotage.law import Chapter, Edit, law

UNIT = "tests/unit/sinks/hubspot"
DELIVERER = f"{UNIT}/test_deliverer.py"
DELIVERY = "tests/unit/domain/test_delivery.py"
ANSWERS = "tests/unit/domain/test_batch_answers.py"

CHAPTER = Chapter(
    "The HubSpot sink",
    (
        law(
            "the lease before each call",
            "nothing is called without the lease",
            "a frozen owner writes old content over its heir's",
            f"{DELIVERER}::test_no_call_without_the_lease",
            Edit("sinks/hubspot/deliverer.py", "if not self._lease.held():", "if False:"),
        ),
        law(
            "commit after the outcome",
            "an offset is committed after the outcome of its change is acknowledged",
            "a crash in between leaves the friend waiting for ever",
            f"{UNIT}/test_publisher.py::test_an_offset_is_committed_after_its_outcome_is_acknowledged",
            Edit(
                "sinks/hubspot/publisher.py",
                "        await asyncio.gather(*[self.append(OUTCOMES.name",
                "        asyncio.gather(*[self.append(OUTCOMES.name",
            ),
        ),
        law(
            "commits in order",
            "an offset is committed when everything before it is done",
            "a change that is still on its way is passed over",
            f"{UNIT}/test_publisher.py::test_a_later_change_that_is_done_first_waits_for_the_one_before",
            Edit(
                "sinks/progress.py",
                "return next(iter(self._open[partition]), self._next[partition])",
                "return self._next[partition]",
            ),
        ),
        law(
            "no automatic offset",
            "a vanished offset is never replaced by the earliest",
            "every contact deleted since is created again",
            "tests/unit/sinks/test_consumer.py::test_offsets_are_never_committed_or_chosen_by_aiokafka",
            Edit("sinks/consumer.py", 'auto_offset_reset="none"', 'auto_offset_reset="earliest"'),
        ),
        law(
            "no automatic commit",
            "aiokafka commits nothing by itself",
            "what was fetched counts as done",
            "tests/unit/sinks/test_consumer.py::test_offsets_are_never_committed_or_chosen_by_aiokafka",
            Edit("sinks/consumer.py", "enable_auto_commit=False", "enable_auto_commit=True"),
        ),
        law(
            "a vanished offset stops the sink",
            "the sink ends with 78 and one clear sentence",
            "an endless restart, and nobody knows why nothing is written",
            f"{UNIT}/test_sink.py::test_a_vanished_offset_ends_the_sink_with_78_and_the_way_out",
            Edit(
                "sinks/hubspot/sink.py",
                "except (NoOffsetForPartitionError, OffsetOutOfRangeError) as gone:",
                "except ZeroDivisionError as gone:",
            ),
        ),
        law(
            "the lease counts from the sending",
            "a heartbeat renews the lease from the moment it was sent",
            "a slow answer makes the lease outlive the membership",
            "tests/unit/sinks/test_consumer.py::test_the_lease_counts_from_the_sending_of_a_heartbeat",
            Edit("sinks/membership.py", "self._lease.renew(sent_at)", "self._lease.renew(monotonic())"),
        ),
        law(
            "the memory of writes",
            "a change without an id uses the contact that was written for its friend",
            "a change sent again after a crash makes a second contact",
            f"{DELIVERER}::test_later_changes_of_a_friend_use_what_the_first_one_made",
            Edit(
                "sinks/hubspot/deliverer.py",
                "begin(arrival.change, self._memory.of(arrival.change.friend))",
                "begin(arrival.change, None)",
            ),
        ),
        law(
            "a written trigger is used up",
            "a trigger that was written permits no creation any more",
            "a contact deleted between crash and restart comes back",
            f"{DELIVERY}::test_a_remembered_write_gives_the_id_and_uses_up_the_trigger",
            Edit(
                "domain/delivery.py",
                "change.may_create is not None and _is_unused(change.may_create, written.trigger)",
                "change.may_create is not None",
            ),
        ),
        law(
            "recall",
            "at assignment the sink reads back what it wrote lately",
            "the new owner of a partition repeats a creation",
            f"{UNIT}/test_sink.py::test_what_was_written_is_recalled_before_the_first_change_is_taken",
            Edit(
                "sinks/hubspot/recall.py",
                'self._memory.note(read_outcome(record.value or b""))',
                'read_outcome(record.value or b"")',
            ),
        ),
        law(
            "one call for each record",
            "a record id is in one call at a time",
            "two friends merged into one contact are written in one batch, and HubSpot refuses both",
            f"{UNIT}/test_lanes.py::test_a_record_is_in_one_call_at_a_time",
            Edit("sinks/hubspot/lanes.py", "and work.key not in keys:", "and work:"),
        ),
        law(
            "friends take turns",
            "a friend's later change waits for the answer to the earlier one",
            "the older content arrives last and stays",
            f"{UNIT}/test_small_parts.py::test_friends_take_turns",
            Edit(
                "sinks/hubspot/admission.py",
                "        line.append(arrival)\n        return False",
                "        line.append(arrival)\n        return True",
            ),
        ),
        law(
            "matched by trace",
            "an answer belongs to the change whose trace it names, never to the one at its place",
            "friends get each other's contacts",
            f"{ANSWERS}::test_results_in_any_order_find_their_inputs",
            Edit(
                "domain/batch_answers.py",
                "        by_trace.get(one.trace)\n        or (by_id.get(one.id)",
                "        dict(enumerate(answer.found)).get(inputs.index(one))\n        or (by_id.get(one.id)",
            ),
        ),
        law(
            "unsure is nobody's fault",
            "an error that names nobody makes the open ones unsure, not guilty",
            "a healthy friend is rejected for another's value",
            f"{ANSWERS}::test_an_error_that_names_nobody_makes_the_open_ones_unsure",
            Edit("domain/batch_answers.py", "unsure = set(open_inputs) if left or stray else set()", "unsure = set()"),
        ),
        law(
            "ninety days",
            "an id that is nowhere though it lived lately is never created",
            "whom a person erased for privacy comes back",
            f"{DELIVERY}::test_nowhere_and_lately_alive_is_never_created",
            Edit(
                "domain/delivery.py",
                "return delivery.confirmed_at is not None and now - delivery.confirmed_at < _TRUSTED_MS",
                "return False",
            ),
        ),
        law(
            "deleted stays deleted",
            "a deleted contact is created only where the change permits it",
            "any event brings it back",
            f"{DELIVERY}::test_deleted_without_permission_is_gone",
            Edit("domain/delivery.py", "    if delivery.may_create:\n        create", "    if True:\n        create"),
        ),
        law(
            "the email of an existing contact",
            "only a created contact gets the dummy email",
            "what a salesperson typed is overwritten at every message",
            f"{DELIVERY}::test_a_given_id_is_updated_by_id",
            Edit("domain/delivery.py", 'if delivery.step == "create" else kept', "if delivery.step else kept"),
        ),
        law(
            "adopted, not doubled",
            "a contact with the friend's address is adopted",
            "every friend of another tool gets a second contact, or none",
            f"{DELIVERY}::test_a_conflict_adopts_the_existing_contact",
            Edit("domain/delivery.py", "    if error.conflict:\n", "    if False:\n"),
        ),
        law(
            "blocklisted is erased",
            "a create that HubSpot refuses for privacy is an erasure",
            "it is tried again for ever, and personal data is kept",
            f"{DELIVERY}::test_a_blocklisted_address_is_erased",
            Edit("domain/delivery.py", "if error.blocklisted:", "if False:"),
        ),
        law(
            "another friend's slot",
            "a slot that names another friend is not written",
            "a merge mixes two people's messages",
            f"{DELIVERY}::test_a_slot_of_another_friend_is_left_alone",
            Edit(
                "domain/delivery.py",
                "return bool(found.get(name)) and found[name] !=",
                "return bool(found.get(name)) and not found[name] !=",
            ),
        ),
        law(
            "a missing property is nobody's fault",
            "a missing property is made again, and nobody is rejected for it",
            "an admin who deletes a property loses every friend's changes",
            f"{DELIVERER}::test_a_missing_property_is_ensured_and_the_batch_repeated",
            Edit(
                "domain/delivery.py",
                "        if missing is not None:\n            return missing",
                "        if missing is not None:\n            pass",
            ),
        ),
        law(
            "a refused batch is taken apart",
            "a batch that is refused whole is halved until the guilty change is alone",
            "one wrong value rejects 99 others",
            f"{DELIVERER}::test_a_refused_batch_is_bisected",
            Edit(
                "sinks/hubspot/deliverer.py",
                "if len(group.works) > 1 and not may_miss_ours(error):",
                "if False:",
            ),
        ),
        law(
            "trouble of one ends",
            "one item is tried five times more, then parked",
            "a partition waits for one friend for ever",
            f"{DELIVERY}::test_trouble_of_one_item_is_tried_five_times_more_then_parked",
            Edit("domain/retry.py", "ITEM_TRIES = 5", "ITEM_TRIES = 5000"),
        ),
        law(
            "trouble of the portal is waited out",
            "an outage parks nobody",
            "an hour of HubSpot being down loses an hour of changes",
            f"{DELIVERER}::test_trouble_of_the_portal_is_waited_out",
            Edit(
                "sinks/hubspot/deliverer.py",
                "guilty = trouble.may_be_a_contact and others >= _WITNESSES * group.failures",
                "guilty = True",
            ),
        ),
        law(
            "one knocks",
            "one call at a time while the portal is in trouble",
            "a HubSpot that is down is stormed",
            f"{DELIVERER}::test_only_one_call_knocks_while_the_portal_is_in_trouble",
            Edit(
                "sinks/hubspot/deliverer.py",
                "most = 1 if self.gate.paused is not None or not self._portal.ready else MAX_IN_FLIGHT",
                "most = MAX_IN_FLIGHT",
            ),
            Edit(
                "sinks/hubspot/deliverer.py", "if wait := self.gate.wait(now) or self._quota", "if wait := self._quota"
            ),
            hangs=True,
        ),
        law(
            "an operator's pause",
            "nothing is called while an operator pauses the sink, whatever else succeeds",
            "a person who needs HubSpot to stand still is written over",
            f"{UNIT}/test_small_parts.py::test_an_operator_s_pause_shuts_the_gate_and_outlasts_success",
            Edit("sinks/hubspot/gate.py", "0.0 if self._held() is None else _LOOK_AGAIN)", "0.0)"),
        ),
        law(
            "too many rejections are our bug",
            "more than 20 distinct friends rejected in a row pause the sink",
            "a bug of ours blocks every friend",
            f"{UNIT}/test_small_parts.py::test_twenty_distinct_friends_in_a_row_may_be_rejected",
            Edit(
                "sinks/hubspot/rejections.py",
                "if friend not in self._friends and len(self._friends) >= self.limit:",
                "if False:",
            ),
        ),
        law(
            "given up is given up",
            "after a revocation nothing new is sent",
            "the old owner goes on writing beside the new one",
            f"{DELIVERER}::test_draining_finishes_what_is_in_flight_and_forgets_the_rest",
            Edit(
                "sinks/hubspot/deliverer.py",
                "        self._draining = True\n        if self._flights:",
                "        if self._flights:",
            ),
            Edit(
                "sinks/hubspot/deliverer.py",
                "        self._lanes.clear()\n        self._admission.clear()",
                "        self._admission.clear()",
            ),
        ),
        law(
            "a bug ends the sink",
            "an unexpected error ends the process before anything is committed",
            "a change is forgotten, and its friend waits for ever",
            f"{DELIVERER}::test_an_unexpected_error_ends_the_deliverer",
            Edit("sinks/hubspot/deliverer.py", "                self._failure = failure", "                return"),
            hangs=True,
        ),
        law(
            "the share of the quota",
            "a sink with a part of the partitions takes that part of the calls",
            "two sinks together get 429s",
            "tests/unit/domain/test_quota.py::test_a_share_of_the_partitions_is_a_share_of_the_calls",
            Edit("domain/quota.py", "part = share * (LOW_PRIORITY_PART", "part = 1.0 * (LOW_PRIORITY_PART"),
        ),
        law(
            "one portal",
            "a token of another portal ends the start",
            "every contact looks erased",
            "tests/unit/registry/test_portal.py::test_a_token_of_another_portal_is_refused",
            Edit("registry/portal.py", "if known.portal_id != portal_id:", "if False:"),
        ),
    ),
)

LINE = "tests/unit/sinks/line"

DOORS = Chapter(
    "The LINE sink",
    (
        law(
            "one retry key",
            "a push carries its request's id as retry key on every try",
            "a friend gets a message twice",
            f"{LINE}/test_messages.py::test_a_push_carries_its_request_s_id_as_retry_key_on_every_try",
            Edit("sinks/line/messages.py", "retry_key=request.id", "retry_key=str(id(token))"),
        ),
        law(
            "too late is too late",
            "a message is not sent after its last moment",
            "a friend gets yesterday's answer",
            f"{LINE}/test_messages.py::test_a_push_in_doubt_at_its_last_moment_is_unknown",
            Edit("sinks/line/messages.py", "if self._now_ms() > _last_moment(request):", "if False:"),
            hangs=True,
        ),
        law(
            "messages keep their order",
            "messages of one friend are sent one after the other",
            "a conversation is shuffled",
            f"{LINE}/test_messages.py::test_messages_of_one_friend_keep_their_order",
            Edit("sinks/line/messages.py", "        async with turn:", "        if turn:"),
        ),
        law(
            "the lease before LINE",
            "nobody is called while the lease is away",
            "two owners send the same message",
            f"{LINE}/test_profiles.py::test_nobody_is_called_while_the_lease_is_away",
            Edit("sinks/line/calls.py", "        while not self.lease.held():\n", "        while False:\n"),
        ),
    ),
)
