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
            Edit("ingress/connections.py", "self._now_ms() >= opened.until", "False"),
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
