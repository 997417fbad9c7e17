"""Laws of the ingress: HTTP in, Kafka out."""

from __future__ import annotations

from tests.sabotage.law import Chapter, Edit, law

UNIT = "tests/unit/ingress"
ANSWERS = "tests/integration/ingress/test_answers.py"

CHAPTER = Chapter(
    "Ingress",
    (
        law(
            "signature",
            "only what a live secret of the connection signed is published",
            "anyone can write into anybody's contact",
            f"{ANSWERS}::test_without_a_genuine_signature_nothing_is_stored",
            Edit("ingress/webhook.py", "if not genuine:", "if False:"),
        ),
        law(
            "raw bytes",
            "the signature is checked over the bytes as they came",
            "genuine webhooks are refused, because parsed and dumped again they are others",
            f"{UNIT}/test_webhook.py::test_the_vectors_of_line_verify",
            Edit(
                "ingress/webhook.py",
                "signer.sign(raw.body)",
                'signer.sign(__import__("json").dumps(__import__("json").loads(raw.body)).encode())',
            ),
        ),
        law(
            "every live secret",
            "the secret before still counts until it expires",
            "a rotation loses what was signed with the old secret",
            f"{UNIT}/test_webhook.py::test_every_live_secret_is_tried",
            Edit("ingress/webhook.py", "for signer in signers:", "for signer in list(signers)[:1]:"),
        ),
        law(
            "expired secret",
            "a secret that expired signs no more",
            "a secret that leaked stays good for ever",
            f"{UNIT}/test_connections.py::test_a_secret_that_expired_signs_no_more",
            Edit("ingress/connections.py", "return not opened.since <= self._now_ms() < opened.until", "return False"),
        ),
        law(
            "200 after the acknowledgement",
            "200 is answered only after Kafka acknowledged every record",
            "a crash loses events that LINE was told are safe, and LINE does not send again",
            f"{UNIT}/test_append.py::test_a_caller_waits_for_all_of_his_partitions",
            Edit("ingress/append.py", "        await ticket.done\n", ""),
        ),
        law(
            "a refused batch takes those behind it",
            "behind a batch that failed nothing of its partition is acknowledged",
            "a later event overtakes the one that was refused, or is taken for safe",
            f"{UNIT}/test_append.py::test_a_refused_batch_fails_its_callers_and_those_behind_it_and_the_next_one_succeeds",
            Edit("ingress/append.py", "            taken.extend(lane.waiting)", "            taken.extend(())"),
            hangs=True,
        ),
        law(
            "the deadline",
            "every answer comes within 1.2 s",
            "LINE gives up after 2 s, takes the account for broken, and loses the event",
            f"{ANSWERS}::test_the_deadline_answers_503_while_the_acknowledgement_is_missing",
            Edit("ingress/reception.py", "asyncio.timeout_at(deadline)", "asyncio.timeout_at(None)"),
            hangs=True,
        ),
        law(
            "the cap of a body",
            "no body grows over its cap, chunked or not",
            "one request fills the memory",
            f"{ANSWERS}::test_a_chunked_body_has_the_same_cap",
            Edit("ingress/app.py", "client_max_size=limits.body_bytes", "client_max_size=0"),
        ),
        law(
            "room",
            "what does not fit in memory is refused at once",
            "a slow Kafka becomes a full memory and late answers",
            f"{ANSWERS}::test_beyond_the_bound_of_requests_the_answer_is_503_at_once",
            Edit("ingress/room.py", "if self._requests >= self._max_requests:", "if False:"),
            hangs=True,
        ),
        law(
            "one odd event",
            "an event that is none becomes a dead letter, and its neighbours are events",
            "one odd member of a body loses the events beside it, or vanishes unseen",
            f"{UNIT}/test_records.py::test_a_member_that_is_no_event_is_a_dead_letter_and_its_neighbours_are_records",
            Edit("ingress/records.py", "for raw in envelope.unreadable]", "for raw in ()]"),
        ),
        law(
            "unreadable bodies are kept",
            "a signed body that is no webhook is one dead letter, byte for byte",
            "what LINE sends in a new form is gone without a trace",
            f"{UNIT}/test_records.py::test_a_signed_body_that_is_no_webhook_is_one_dead_letter",
            Edit(
                "ingress/records.py",
                "return Harvest([letter], count, 0, {reason: count})",
                "return Harvest([], count, 0, {reason: count})",
            ),
        ),
        law(
            "the addressed bot",
            "a webhook of another account never becomes an event",
            "a URL pasted into the wrong account writes strangers into the contacts",
            f"{UNIT}/test_records.py::test_a_webhook_of_another_account_is_a_dead_letter_and_never_an_event",
            Edit("ingress/records.py", "envelope.destination not in (None, bot_user_id)", "False"),
        ),
        law(
            "every value is kept",
            "integers of any size stay integers",
            "ids beyond 64 bits become floats, and another message",
            f"{UNIT}/test_records.py::test_integers_beyond_64_bits_stay_integers",
            Edit(
                "ingress/envelope.py", "usual = _read_usual(body)", 'usual = _Usual(**__import__("orjson").loads(body))'
            ),
        ),
    ),
)

STORE = "tests/unit/ingress/spool/test_store.py"
SPOOLED = "tests/unit/ingress/spool/test_spooled_append.py"

SPOOL = Chapter(
    "The spool, while Kafka is away",
    (
        law(
            "on the disk before 200",
            "what Kafka does not take is answered 200 only after the disk has it",
            "a crash while Kafka is away loses what LINE was told is safe",
            f"{SPOOLED}::test_a_spool_that_is_full_refuses_and_takes_again_once_it_is_drained",
            Edit(
                "ingress/spooled_append.py",
                "            await ticket.done\n        finally:",
                "            pass\n        finally:",
            ),
        ),
        law(
            "synced before it counts",
            "what is written counts after the sync of the disk",
            "a power cut loses what was acknowledged",
            f"{STORE}::test_one_sync_makes_a_whole_batch_safe",
            Edit(
                "ingress/spool/store.py",
                "segment.size, data)\n            self._disk.sync(name)",
                "segment.size, data)",
            ),
        ),
        law(
            "sealed on the disk",
            "no byte of an event is on the disk in clear",
            "a stolen disk tells what friends wrote",
            f"{STORE}::test_no_byte_of_a_text_is_on_the_disk_in_clear_and_none_at_all_once_it_is_drained",
            Edit("ingress/spool/contents.py", "self._key.seal_bytes(_encode(marked), _CONTEXT)", "_encode(marked)"),
            Edit("ingress/spool/contents.py", "self._key.open_bytes(one.payload, _CONTEXT)", "one.payload"),
        ),
        law(
            "every frame is checked",
            "a frame counts only when its payload agrees with its checksum",
            "a flipped byte becomes another event, or stops the draining for ever",
            f"{STORE}::test_any_flipped_byte_costs_its_own_frame_alone_and_is_told_and_kept",
            Edit("ingress/spool/frames.py", "if crc32(payload) == head.payload_crc else None", "if payload else None"),
        ),
        law(
            "full is refused",
            "what does not fit in SPOOL_MB is refused",
            "the disk fills, and the broker with it",
            f"{STORE}::test_what_does_not_fit_is_refused_and_room_comes_back_when_it_is_drained",
            Edit(
                "ingress/spool/store.py", "if len(made) > min(room, _LARGEST_FRAME):", "if len(made) > _LARGEST_FRAME:"
            ),
        ),
        law(
            "the order there and back",
            "while there is something in the spool, all that comes stands behind it",
            "a newer message reaches the log before an older one",
            f"{SPOOLED}::test_under_any_weather_every_acknowledged_event_lands_and_each_key_in_order",
            Edit(
                "ingress/spooled_append.py",
                "        if self._spooling:\n            return self._append_to_spool(records)\n",
                "",
            ),
            hangs=True,
        ),
        law(
            "the spool comes first",
            "what an earlier run left is drained before anything new goes to Kafka",
            "after a restart newer events overtake older ones",
            f"{SPOOLED}::test_after_a_restart_the_spool_comes_first",
            Edit(
                "ingress/spooled_append.py", "if self._spool.left or not self._door.ready:", "if not self._door.ready:"
            ),
            hangs=True,
        ),
        law(
            "one poison is kept aside",
            "a record that Kafka will never take does not stop the others",
            "the spool is never drained, and fills",
            f"{SPOOLED}::test_a_record_that_kafka_will_never_take_is_kept_aside_and_the_others_go_on",
            Edit(
                "ingress/spooled_append.py",
                "            if str(trouble) not in UNTAKEABLE:\n                raise\n",
                "            if trouble:\n                raise\n",
            ),
            hangs=True,
        ),
    ),
)
