"""The console script: one verb per file, loaded when it is called.

Law: a verb ends with one of the contract's exit codes. A `Refusal` is an answer and says what to do next; an error of
Kafka's means that it is away or refuses; anything else that escapes a verb is a bug, and says so with its place.
"""

import importlib
import logging
import sys
import traceback
from typing import NoReturn

import click

from runtime.disk import disk_trouble
from runtime.refusal import INTERNAL, UNAVAILABLE, Refusal

VERBS = {
    "up": ("cli.up", "Run everything on this machine: Kafka, ingress, fold and sinks."),
    "run": ("cli.run", "Run one role, for containers."),
    "check": ("cli.check", "Look at settings, Kafka, HubSpot, LINE and the clock; say what to do."),
    "status": ("cli.status", "Ready, lag, outstanding, blocked; wait until idle."),
    "connections": ("cli.connections", "Add, list and show LINE Official Accounts."),
    "friends": ("cli.friends", "Show, list, export, resync or erase friends."),
    "why": ("cli.why", "Why a friend's contact is what it is, or is not."),
    "verify": ("cli.verify", "Compare HubSpot with the states; exit 1 unless all are equal."),
    "rebuild": ("cli.rebuild", "Make the states again when friends.v1 was lost."),
    "sink": ("cli.sink", "How the sinks stand; pause, resume, reset."),
    "deadletters": ("cli.deadletters", "What could not be processed: list, show, replay, drop."),
    "topics": ("cli.topics", "Create, check and tail the topics."),
    "schemas": ("cli.schemas", "Export JSON Schemas and the AsyncAPI document."),
    "demo": ("cli.demo", "A world in a box: real Kafka, simulated LINE and HubSpot."),
    "version": ("cli.version", "The version of the program and of what it runs on."),
}


class Verbs(click.Group):
    """The verbs by name; a verb's module is imported only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order a newcomer meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name."""
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(VERBS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Name and sentence of each verb, without importing any."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in VERBS.items()])


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
def friendstream() -> None:
    """Keeps LINE friends true in HubSpot. Settings are FRIENDSTREAM_* variables: docs/settings.md."""


def main() -> None:
    """Run the verb that the command line names, and exit with its code."""
    logging.getLogger().addHandler(logging.NullHandler())  # a verb talks in sentences; roles set up their own log
    try:
        friendstream(prog_name="friendstream")
    except Refusal as refusal:
        _end(refusal)
    except Exception as bug:
        if (trouble := _disk_trouble(bug) or _kafka_trouble(bug)) is not None:
            _end(trouble)
        frame = traceback.extract_tb(bug.__traceback__)[-1]
        click.echo(
            f"friendstream: a bug: {type(bug).__name__} at {frame.filename}:{frame.lineno}. Nothing was acknowledged; "
            "start it again, and report this line.",
            err=True,
        )
        sys.exit(INTERNAL)


def _end(refusal: Refusal) -> NoReturn:
    click.echo(f"friendstream: {refusal}", err=True)
    sys.exit(refusal.exit_code)


def _disk_trouble(error: Exception) -> Refusal | None:
    return disk_trouble(error) if isinstance(error, OSError) else None


def _kafka_trouble(error: Exception) -> Refusal | None:
    from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError  # a verb without Kafka need not pay for them
    from confluent_kafka import KafkaException

    if isinstance(error, UnknownTopicOrPartitionError):
        return Refusal(UNAVAILABLE, "no_topics", "a topic is missing in Kafka", next_step="friendstream topics create")
    if not isinstance(error, KafkaError | KafkaException):
        return None
    return Refusal(
        UNAVAILABLE,
        "kafka_unavailable",
        f"Kafka cannot be reached, or refuses ({type(error).__name__})",
        next_step="see that it runs and can be reached from here; FRIENDSTREAM_KAFKA names it",
    )


if __name__ == "__main__":
    main()
