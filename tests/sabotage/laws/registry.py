"""Laws of the registry, and of what is never shown."""

from __future__ import annotations

from tests.sabotage.law import Chapter, Edit, law

UNIT = "tests/unit/registry"
LOG = "tests/integration/registry/test_log.py"

CHAPTER = Chapter(
    "Connections",
    (
        law(
            "one transaction at a time",
            "the registry is read to its end inside the transaction that writes",
            "two people who connect at once get one number",
            f"{LOG}::test_a_fenced_writer_decides_again_on_the_newer_log",
            Edit("registry/log.py", "transactional_id=TRANSACTIONAL_ID,", 'transactional_id=f"registry-{id(settle)}",'),
        ),
        law(
            "only what was committed",
            "readers of the registry see committed records only",
            "a connection that was never made takes webhooks",
            "tests/integration/registry/test_view.py::test_a_view_never_shows_what_was_not_committed",
            Edit("registry/view.py", 'isolation_level="read_committed"', 'isolation_level="read_uncommitted"'),
        ),
        law(
            "a number is never reused",
            "N = max + 1, removed connections counted",
            "a new account writes into the properties of a removed one",
            f"{UNIT}/test_admission.py::test_the_number_of_a_removed_connection_is_never_given_again",
            Edit(
                "registry/admission.py",
                "number = max(known, default=0) + 1",
                'number = max((n for n, record in known.items() if record.status != "removed"), default=0) + 1',
            ),
        ),
        law(
            "one bot, one connection",
            "a LINE account is connected once",
            "one friend's events fill two sets of properties",
            f"{UNIT}/test_connect.py::test_one_account_is_connected_once",
            Edit(
                "registry/admission.py",
                "if other.bot_user_id == bot_user_id or other.channel_id == channel_id:",
                "if False:",
            ),
        ),
        law(
            "the plan counts",
            "a plan's limit ends the numbers",
            "more connections than were paid for",
            f"{UNIT}/test_connect.py::test_numbers_go_up_and_a_plan_ends_them",
            Edit(
                "registry/admission.py",
                "if settings.plan.limit is not None and live >= settings.plan.limit:",
                "if False:",
            ),
        ),
        law(
            "the newest version counts",
            "an older version of a record changes nothing, in whatever order they are read",
            "a removed connection comes back",
            f"{UNIT}/test_log.py::test_the_newest_version_counts_in_any_order",
            Edit("registry/log.py", " or (before is not None and before.version > record.version)", ""),
        ),
        law(
            "ingress first, then LINE's test",
            "the ingress accepts a connection before LINE tests its webhook",
            "every new connection fails its test",
            f"{UNIT}/test_connect.py::test_the_ingress_accepts_before_line_tests_the_webhook",
            Edit(
                "registry/status.py",
                "    return msgspec.structs.replace(record, status=status, reason=reason)",
                "    return record",
            ),
        ),
    ),
)

PRIVACY = Chapter(
    "Secrets and personal data",
    (
        law(
            "sealed for one place",
            "a sealed secret opens only for its connection and field",
            "a box copied to another connection signs for it",
            f"{UNIT}/test_secrets.py::test_a_box_opens_for_no_other_connection_and_no_other_field",
            Edit("registry/secrets.py", 'return f"connections/{number}/{field}"', 'return "connections"'),
        ),
        law(
            "sealed on the wire",
            "no secret is readable in the registry's topic",
            "whoever may read Kafka may speak for the account",
            f"{UNIT}/test_secrets.py::test_a_record_on_the_wire_holds_no_plain_secret",
            Edit(
                "runtime/sealing.py",
                "return nonce + self._cipher.encrypt(nonce, plain, context.encode())",
                "return nonce + plain",
            ),
            Edit(
                "runtime/sealing.py",
                "return Box(self.id, base64.b64encode(self.seal_bytes(plain, context)).decode())",
                "return Box(self.id, plain.decode())",
            ),
        ),
        law(
            "the key is its owner's",
            "the key in DATA_DIR can be read by its owner only",
            "every user of the machine opens the secrets",
            "tests/unit/runtime/test_sealing.py::test_the_key_of_embedded_kafka_is_made_once_and_readable_by_its_owner_only",
            Edit(
                "runtime/sealing.py",
                "os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)",
                "os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)",
            ),
        ),
        law(
            "ids never reach a log",
            "a log line holds no full id of a person",
            "logs become personal data, and go where logs go",
            "tests/unit/runtime/test_logs.py::test_redaction",
            Edit(
                "runtime/redaction.py",
                r'    (re.compile(r"(?<![0-9A-Za-z])([UCRucr][0-9a-f]{4})[0-9a-f]{28}(?![0-9a-f])"), r"\1…"),' + "\n",
                "",
            ),
        ),
        law(
            "secrets never reach a log",
            "known secrets are hidden wherever they appear in a line",
            "a token in a traceback is sent to the log store",
            "tests/unit/runtime/test_logs.py::test_redaction",
            Edit("runtime/redaction.py", 'line = self._secrets.sub("***", line)', "pass"),
        ),
        law(
            "no secret in a repr",
            "a secret shows as *** wherever it is printed",
            "an error message tells the token",
            "tests/unit/runtime/test_settings.py::test_no_secret_shows_in_repr_or_error",
            Edit("runtime/setting_values.py", 'return "***"', "return self._value"),
        ),
        law(
            "a webhook shows nothing",
            "neither secret nor content is in a repr",
            "an exception quotes what a friend wrote",
            "tests/unit/ingress/test_webhook.py::test_neither_secret_nor_content_is_in_a_repr",
            Edit(
                "ingress/webhook.py",
                '        return f"RawWebhook(connection={self.connection}, {len(self.body)} bytes)"',
                "        return repr(tuple(self))",
            ),
        ),
        law(
            "listings are masked",
            "a listing shows no text, name or picture unless asked to reveal",
            "a screenshot for support shows customers' messages",
            "tests/unit/cli/test_friends.py::test_a_masked_row_holds_no_text_name_or_picture",
            Edit("cli/friends.py", 'inbound = replace(inbound, text=f"({len(inbound.text)} characters)")', "pass"),
        ),
        law(
            "a dead letter's reason is a code",
            "why a record is dead is told by a code and a place in our code",
            "the text of an exception quotes personal data in a header",
            "tests/unit/processors/test_fold_run.py::test_the_place_of_a_failure_is_told_and_its_text_is_not",
            Edit("processors/fold_run.py", "place_of(trouble.__traceback__))", "str(trouble))"),
        ),
        law(
            "a client's bytes never reach a log",
            "a request that no one can read is told by the name of its trouble",
            "what a friend wrote behind a wrong length is quoted in the log",
            "tests/unit/runtime/test_log_quotes.py::test_a_request_that_no_one_can_read_is_told_without_its_bytes",
            Edit("runtime/logs.py", "    handler.addFilter(_without_bytes_of_a_client)\n", ""),
        ),
        law(
            "a bug tells its place",
            "the program's last words name the place of a bug, never its text",
            "a crash prints personal data",
            "tests/unit/cli/test_main.py::test_a_bug_ends_with_70_and_names_its_place_but_not_its_text",
            Edit("cli/main.py", "a bug: {type(bug).__name__} at", "a bug: {bug!r} at"),
        ),
        law(
            "vendors' messages are not kept",
            "of HubSpot's error only codes are kept",
            "a refused value is quoted in a topic without content",
            "tests/unit/clients/hubspot/test_answers.py::test_nothing_of_a_message_is_kept",
            Edit(
                "clients/hubspot/answers.py",
                'category=_code(fields.get("category"))',
                'category=_text(fields.get("category"))',
            ),
        ),
    ),
)
