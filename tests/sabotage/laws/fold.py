"""Laws of the fold's shell (DESIGN 3)."""
# ruff: noqa: E501  the code that is changed is quoted as it stands

from __future__ import annotations

from tests.sabotage.law import Chapter, Edit, law

UNIT = "tests/unit/processors"
AGENT = "processors/fold_agent.py"
APPEND = "last = await self._table.append(self._appender, partition, out.states)"
APPLY = "self._table.apply(partition, out.states, last)"

CHAPTER = Chapter(
    "The fold's shell",
    (
        law(
            "effects before the state",
            "changes, requests, decisions and dead letters go out before the state is persisted",
            "a crash in between keeps a state that says sent, and no change was: the friend is stuck",
            f"{UNIT}/test_fold_agent.py::test_the_order_of_a_run",
            Edit(AGENT, f"        {APPEND}\n", ""),
            Edit(AGENT, "        await asyncio.gather(", f"        {APPEND}\n        await asyncio.gather("),
        ),
        law(
            "effects are acknowledged",
            "the acknowledgements of all effects are awaited before the state is persisted",
            "a change that Kafka refused is believed to be on its way",
            f"{UNIT}/test_fold_agent.py::test_the_state_waits_for_the_acknowledgement_of_every_effect",
            Edit(AGENT, "        await asyncio.gather(", "        asyncio.gather("),
        ),
        law(
            "the changelog before the row",
            "the local row changes after its changelog record is acknowledged",
            "the worker goes on from a state that does not survive it",
            f"{UNIT}/test_fold_agent.py::test_the_order_of_a_run",
            Edit(
                AGENT,
                f"        {APPEND}\n",
                f"        self._table.apply(partition, out.states, None)\n        {APPEND}\n",
            ),
        ),
        law(
            "acknowledged last",
            "a run is acknowledged after everything that follows from it",
            "a crash loses the run: it is committed and nothing of it was written",
            f"{UNIT}/test_fold_agent.py::test_the_order_of_a_run",
            Edit(
                AGENT,
                "            async with self.locks[partition]:",
                "            run.ack()\n            async with self.locks[partition]:",
            ),
        ),
        law(
            "a failed effect is no acknowledgement",
            "an exception of I/O leaves the run unacknowledged",
            "a run that Kafka did not take is passed over",
            f"{UNIT}/test_fold_agent.py::test_a_run_whose_effects_fail_is_neither_persisted_nor_acknowledged",
            Edit(
                AGENT,
                "                await self.handle(run.message.topic, partition, run.value)",
                "                await asyncio.gather(self.handle(run.message.topic, partition, run.value), return_exceptions=True)",
            ),
        ),
        law(
            "one lock per partition number",
            "two topics' runs of one partition number do not interleave",
            "both read the same row, and the second overwrites what the first folded",
            f"{UNIT}/test_fold_agent.py::test_runs_of_one_partition_number_do_not_interleave",
            Edit(AGENT, "            async with self.locks[partition]:", "            if True:"),
        ),
        law(
            "no exception leaves the agent",
            "an exception of the shell ends the process before Faust acknowledges the run",
            "Faust acknowledges and commits the run that raised: it is lost",
            f"{UNIT}/test_hardening.py::test_an_exception_in_the_agent_ends_the_process",
            Edit("processors/hardening.py", 'die(INTERNAL, f"an agent raised', 'print(INTERNAL, f"an agent raised'),
        ),
        law(
            "a bug costs one record",
            "an exception of the pure turn makes that record a dead letter, and the rest is folded",
            "one record stops a partition for ever",
            f"{UNIT}/test_fold_run.py::test_a_bug_in_the_pure_turn_costs_one_record",
            Edit(
                "processors/fold_run.py",
                "        except Exception:\n            self._fold_one_by_one(key, pairs)",
                "        except ZeroDivisionError:\n            self._fold_one_by_one(key, pairs)",
            ),
        ),
        law(
            "a bug is no empty state",
            "a row that no one can read is never taken for none",
            "a friend is folded anew, and a deleted contact comes back",
            f"{UNIT}/test_fold_run.py::test_a_row_that_no_one_can_read_never_becomes_an_empty_one",
            Edit(
                "processors/fold_run.py",
                "state = None if row is None else read_friend_state(row)",
                'state = None if not (row or b"").startswith(b"{") else read_friend_state(row)',
            ),
        ),
        law(
            "one change for each friend of a run",
            "all records of a friend in a run make one state and at most one change",
            "the sink gets a change for each event, in any order",
            f"{UNIT}/test_fold_run.py::test_many_events_of_one_friend_make_one_state_and_one_change",
            Edit(
                "processors/fold_run.py",
                "                known.append((record, item))",
                "                self._fold_friend(key, [(record, item)])",
            ),
        ),
        law(
            "the key is the friend",
            "a record whose key is not its friend is a dead letter",
            "it is folded on a partition where the friend's row is not: two states of one friend",
            f"{UNIT}/test_fold_run.py::test_a_key_that_is_not_the_friend_is_a_dead_letter",
            Edit("processors/fold_run.py", "elif key is None or key != friend.encode():", "elif key is None:"),
        ),
        law(
            "every record has a fate",
            "an unreadable record becomes a dead letter, byte for byte",
            "it is lost unseen",
            f"{UNIT}/test_fold_run.py::test_every_record_of_a_run_is_decided_or_dead",
            Edit("processors/fold_run.py", '                self._discard(record, "unreadable")\n', ""),
        ),
        law(
            "strict watermark",
            "nothing is committed past a record that was not acknowledged",
            "a run that was fetched and thrown away is passed over in silence",
            f"{UNIT}/test_watermark.py::test_a_run_that_was_never_handled_is_a_hole",
            Edit("processors/watermark.py", "if first > end:", "if False:"),
        ),
        law(
            "whole runs",
            "a run is acknowledged from its first offset to its last",
            "every run looks like a hole: the worker ends at the first one",
            f"{UNIT}/test_hardening.py::test_the_end_of_acknowledged_runs_is_committed",
            Edit("processors/hardening.py", "message.value[0].offset", "message.offset"),
        ),
        law(
            "our own offsets",
            "Faust's guess of the offset to commit is never used",
            "what is in hand is committed",
            f"{UNIT}/test_hardening.py::test_a_run_that_is_not_acknowledged_is_not_committed",
            Edit("processors/hardening.py", "            end = self.watermark.advance(tp)", "            end = 99"),
        ),
        law(
            "nothing is committed for others",
            "what finishes after a revocation is not committed",
            "the old owner commits past what the new one has not folded",
            f"{UNIT}/test_hardening.py::test_nothing_is_committed_after_a_revocation",
            Edit("processors/hardening.py", "        self.watermark.forget()", "        pass"),
        ),
        law(
            "the flow stands still in recovery",
            "nothing is fetched between the seek and the clearing of the queues",
            "what was fetched is thrown away and never read again",
            f"{UNIT}/test_hardening.py::test_the_flow_is_stopped_before_recovery_seeks",
            Edit("processors/bulk_recovery.py", "        self.app.consumer.stop_flow()", "        pass"),
        ),
        law(
            "what came while the flow stood still",
            "records that arrive while the flow is stopped are sought again",
            "they are dropped, and reading goes on behind them",
            f"{UNIT}/test_hardening.py::test_what_is_fetched_while_the_flow_is_stopped_is_sought_again",
            Edit("processors/hardening.py", "            await self._seek_again()\n", ""),
        ),
        law(
            "a partition without offset",
            "a source without a committed offset is read from its beginning",
            "it goes on where the last fetch left it, and what that brought is lost",
            f"{UNIT}/test_fold_agent.py::test_a_source_without_a_committed_offset_is_read_from_its_beginning",
            Edit("processors/hardening.py", "if fresh:", "if False:"),
        ),
        law(
            "a dead group ends the process",
            "a fatal error of group coordination ends the process",
            "a worker that is alive and consumes nothing",
            f"{UNIT}/test_fold_agent.py::test_a_dead_group_coordination_ends_the_process",
            Edit("processors/hardening.py", 'die(INTERNAL, f"group coordination died: {trouble!r}")', "return"),
        ),
        law(
            "Faust's own producer",
            "a failed send of Faust's own producer ends the process",
            "one warning, and the output is missing",
            f"{UNIT}/test_hardening.py::test_a_failed_send_of_fausts_own_producer_ends_the_process",
            Edit("processors/hardening.py", 'die(INTERNAL, f"Faust\'s own producer failed: {exc!r}")', "pass"),
        ),
        law(
            "the lease before a batch",
            "whoever hands a batch to Kafka is asked for the lease first",
            "a worker that was frozen writes over its heir",
            "tests/unit/runtime/test_appender_order.py::test_the_guard_is_asked_before_each_batch_is_handed_over",
            Edit("runtime/appender.py", "        self._guard()\n", ""),
        ),
        law(
            "the fold asks for the lease",
            "the fold's appender is guarded by the worker's lease",
            "a worker that may have lost its partitions writes on",
            f"{UNIT}/test_fold_agent.py::test_the_fold_writes_nothing_without_the_lease",
            Edit("processors/app.py", ", guard=app.lease.check", ""),
        ),
        law(
            "half a session",
            "the lease is held for half a session after the sending of a confirmed heartbeat",
            "it outlives the membership: two owners write",
            "tests/unit/runtime/test_lease.py::test_is_held_for_half_a_session_from_the_sending",
            Edit("runtime/lease.py", "session_seconds / 2", "session_seconds * 2"),
        ),
        law(
            "a stale row is overruled",
            "a foreign record in the changelog is overwritten by the confirmed owner",
            "recovery believes what a zombie wrote: friends go back in time and stay stuck",
            f"{UNIT}/test_state_table.py::test_a_stale_row_between_ours_is_overruled_with_what_we_know",
            Edit("processors/state_table.py", "if last is None or last != before + len(states):", "if False:"),
        ),
        law(
            "only the confirmed owner overrules",
            "who overrules waits for a heartbeat that was sent after the question",
            "the zombie overrules its heir",
            f"{UNIT}/test_state_table.py::test_who_is_not_confirmed_does_not_overrule",
            Edit("processors/state_table.py", "        await self.app.confirmed_owner()\n", ""),
        ),
        law(
            "a new generation is no confirmation",
            "the owner is confirmed in the generation it wrote in",
            "a worker that lost and regained a partition takes its old rows for the truth",
            f"{UNIT}/test_hardening.py::test_a_new_generation_is_no_confirmation",
            Edit("processors/hardening.py", "if self.consumer_generation_id != generation:", "if False:"),
        ),
        law(
            "friends.v1 is the truth",
            "history without states refuses the start",
            "folding from nothing creates every deleted contact again",
            f"{UNIT}/test_start_guard.py::test_changes_of_committed_events_without_states_are_refused",
            Edit(
                "processors/start_guard.py",
                "return any(offset < history.committed.get((topic, partition), 0) for topic, partition, offset in causes)",
                "return False",
            ),
        ),
        law(
            "every topic, one count",
            "a missing topic refuses the start",
            "Faust starts, says ready, and consumes nothing",
            f"{UNIT}/test_start_guard.py::test_missing_topics_are_named_and_refused",
            Edit(
                "processors/start_guard.py", "if missing := sorted(set(NEEDED) - counts.keys()):", "if missing := ():"
            ),
        ),
        law(
            "equal counts",
            "another partition count refuses the start",
            "a friend's events and row live on different partitions",
            f"{UNIT}/test_start_guard.py::test_uneven_counts_are_refused",
            Edit("processors/start_guard.py", "if len(set(uneven.values())) != 1:", "if False:"),
        ),
        law(
            "the numbers add up",
            "received = sent + discarded + in flight",
            "nobody sees that something is missing",
            f"{UNIT}/test_fold_agent.py::test_received_is_sent_and_discarded_and_in_flight",
            Edit("processors/flow.py", "sent = records - discarded.total()", "sent = records"),
        ),
    ),
)
