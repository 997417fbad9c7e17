"""Laws of the whole project: who imports whom, who reads clocks and settings."""

from __future__ import annotations

from tests.sabotage.law import Chapter, Edit, law

IMPORTS = "$ lint-imports --no-cache"
BANNED = "$ ruff check --no-cache --select TID251 ."


def planted(path: str, line: str) -> Edit:
    return Edit(path, "", f"\n{line}\n")


CHAPTER = Chapter(
    "The house",
    (
        law(
            "one direction",
            "what lies below never imports what lies above",
            "a change of a page breaks the fold",
            IMPORTS,
            planted("registry/portal.py", "import processors.flow"),
        ),
        law(
            "rooms meet in topics",
            "ingress, processors and sinks never import each other",
            "they share memory, and cannot be started, killed and scaled apart",
            IMPORTS,
            planted("sinks/progress.py", "import processors.watermark"),
        ),
        law(
            "the domain is pure",
            "schemas and domain know no clock, no I/O, no randomness",
            "a replay decides otherwise than the first time",
            IMPORTS,
            planted("domain/order.py", "import time"),
        ),
        law(
            "one door for each vendor",
            "only clients import the SDKs",
            "a vendor's change is a change everywhere",
            IMPORTS,
            planted("sinks/line/line_time.py", "import linebot"),
        ),
        law(
            "Faust stays in its room",
            "only processors import Faust",
            "its holes are everywhere",
            IMPORTS,
            planted("sinks/progress.py", "import faust"),
        ),
        law(
            "the simulators share nothing",
            "devkit imports nothing of ours",
            "a bug of ours is simulated along, and no test sees it",
            IMPORTS,
            planted("devkit/clock.py", "import domain.order"),
        ),
        law(
            "the product knows no simulator",
            "nothing but cli and tests imports devkit",
            "the product runs against a toy",
            IMPORTS,
            planted("clients/line/trouble.py", "import devkit.clock"),
        ),
        law(
            "one reader of settings",
            "only runtime/settings.py reads the environment",
            "a setting that is checked nowhere, and told nowhere",
            BANNED,
            planted("sinks/progress.py", 'import os\n\nHOME = os.environ["HOME"]'),
        ),
        law(
            "time is passed in",
            "only runtime/clock.py reads a clock",
            "no test can make an hour pass, and nobody knows what a jump does",
            BANNED,
            planted("sinks/progress.py", "import time\n\nSTART = time.time()"),
        ),
        law(
            "chance is passed in",
            "only runtime/clock.py has randomness",
            "a failure that no seed repeats",
            BANNED,
            planted("sinks/progress.py", "import random\n\nCHANCE = random.random()"),
        ),
        law(
            "nothing happens at import",
            "importing a module opens nothing and starts nothing",
            "a verb that only prints its help needs Kafka; tests share a state",
            "tests/unit/test_imports.py::test_importing_everything_opens_and_starts_nothing",
            planted("sinks/progress.py", 'import socket\n\nsocket.socket().bind(("127.0.0.1", 0))'),
        ),
        law(
            "received_at decides nothing",
            "an arrival time never orders events",
            "a replay is newer than what it repeats",
            "tests/unit/domain/test_event_time.py::test_where_both_are_absurd_there_is_no_time",
            Edit(
                "domain/event_time.py",
                "return inside if inside is not None and EARLIEST <= inside <= latest else None",
                "return inside if inside is not None and EARLIEST <= inside <= latest else received_at",
            ),
        ),
    ),
)
