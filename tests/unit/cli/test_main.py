"""The command line: every verb answers --help, and errors end with the contract's codes."""

import sys

import pytest
from aiokafka.errors import KafkaConnectionError, UnknownTopicOrPartitionError

from cli import main as program
from cli.main import VERBS, main
from runtime.refusal import NOT_FOUND, Refusal


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["friendstream", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(call, verb: str) -> None:
    code, out, _ = call(verb, "--help")
    assert code == 0
    assert "Usage: friendstream" in out


def test_an_unknown_verb_is_a_usage_error(call) -> None:
    assert call("dance")[0] == 2


def test_a_refusal_ends_with_its_code_and_says_what_to_do(call, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise Refusal(NOT_FOUND, "no_such_thing", "it is not there", where="here", next_step="look elsewhere")

    monkeypatch.setattr(program, "friendstream", refuse)
    code, out, err = call("version")
    assert (code, out) == (NOT_FOUND, "")
    assert "it is not there" in err
    assert "look elsewhere" in err


def test_a_bug_ends_with_70_and_names_its_place_but_not_its_text(call, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(**_: object) -> None:
        raise RuntimeError("Hanako wrote hello")

    monkeypatch.setattr(program, "friendstream", break_down)
    code, _, err = call("version")
    assert code == 70
    assert "test_main.py" in err
    assert "Hanako" not in err


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(KafkaConnectionError("host"), "reached"), (UnknownTopicOrPartitionError("x"), "topics create")],
)
def test_kafka_being_away_is_no_bug_and_ends_with_69(
    call, monkeypatch: pytest.MonkeyPatch, trouble: Exception, said: str
) -> None:
    def fail(**_: object) -> None:
        raise trouble

    monkeypatch.setattr(program, "friendstream", fail)
    code, _, err = call("version")
    assert code == 69
    assert said in err
    assert "bug" not in err


def test_wrong_settings_are_listed_all_at_once(call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRIENDSTREAM_PARTITIONS", "many")
    monkeypatch.setenv("FRIENDSTREAM_LANGUAGE", "xx")
    monkeypatch.setenv("FRIENDSTREAM_DATA_DRI", "typo")
    code, _, err = call("status")
    assert code == 78
    assert all(name in err for name in ("FRIENDSTREAM_PARTITIONS", "FRIENDSTREAM_LANGUAGE", "FRIENDSTREAM_DATA_DIR"))
