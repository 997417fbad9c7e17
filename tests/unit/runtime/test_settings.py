"""Settings: every problem at once, no secret in any message, one table for code and docs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from runtime.refusal import MISCONFIGURED
from runtime.setting_table import TABLE, as_markdown
from runtime.settings import Bind, Plan, Secret, Settings, SettingsWrong


def _problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsWrong) as caught:
        Settings.load(environ)
    assert caught.value.exit_code == MISCONFIGURED
    for problem in caught.value.problems:
        assert problem in str(caught.value)
    return caught.value.problems


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    settings = Settings.load({})
    assert settings.kafka_is_embedded
    assert settings.data_dir == Path.cwd() / ".friendstream"
    assert settings.partitions == 12
    assert settings.line_api_url == "https://api.line.me"
    assert settings.line_data_url == "https://api-data.line.me"
    assert settings.hubspot_api_url == "https://api.hubapi.com"
    assert settings.ingress_bind == Bind("127.0.0.1", 8080)
    assert settings.web_bind == Bind("127.0.0.1", 6066)
    assert settings.hubspot_quota is None
    assert settings.retention_days == 28
    assert settings.spool_mb == 1024
    assert settings.plan == Plan("off", None)


def test_the_table_and_the_fields_are_the_same() -> None:
    assert [setting.field for setting in TABLE] == [field.name for field in dataclasses.fields(Settings)]


def test_the_page_of_settings_is_the_table() -> None:
    page = Path(__file__).parents[3] / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == as_markdown(), "run: python -m runtime.setting_table > docs/settings.md"


def test_every_problem_is_reported_at_once() -> None:
    problems = _problems(
        {
            "FRIENDSTREAM_PARTITIONS": "many",
            "FRIENDSTREAM_PLAN": "gold",
            "FRIENDSTREAM_LANGUAGE": "de",
            "FRIENDSTREAM_INGRESS_BIND": "8080",
            "FRIENDSTREAM_HUBSPOT_API_URL": "api.hubapi.com",
            "FRIENDSTREAM_CONNECTIONS_FILE": "/nowhere/connections.json",
            "FRIENDSTREAM_SECRET_KEY": "short",
        }
    )
    assert len(problems) == 7


def test_an_unknown_variable_is_a_problem_with_a_proposal() -> None:
    assert _problems({"FRIENDSTREAM_HUBSPOT_TOKN": "x"}) == [
        "FRIENDSTREAM_HUBSPOT_TOKN is no setting; did you mean FRIENDSTREAM_HUBSPOT_TOKEN?"
    ]


def test_a_file_for_a_setting_that_is_no_secret_is_a_problem() -> None:
    assert "no secret" in _problems({"FRIENDSTREAM_PLAN_FILE": "x"})[0]


def test_variables_of_others_and_empty_ones_are_ignored() -> None:
    settings = Settings.load({"PATH": "/bin", "FRIENDSTREAM_HUBSPOT_TOKEN": "", "FRIENDSTREAM_PLAN": "  "})
    assert settings.hubspot_token is None
    assert settings.plan.name == "off"


def test_a_secret_comes_from_its_variable_or_its_file_and_never_from_both(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("pat-from-file\n")
    given = {"FRIENDSTREAM_HUBSPOT_TOKEN_FILE": str(file)}
    assert Settings.load(given).hubspot_token == Secret("pat-from-file")
    assert "both" in _problems(given | {"FRIENDSTREAM_HUBSPOT_TOKEN": "x"})[0]
    assert "No such file" in _problems({"FRIENDSTREAM_HUBSPOT_TOKEN_FILE": str(tmp_path / "none")})[0]
    file.write_text("\n")
    assert "empty" in _problems(given)[0]


def test_no_secret_shows_in_repr_or_error() -> None:
    values = {
        "FRIENDSTREAM_HUBSPOT_TOKEN": "pat-na1-very-secret",
        "FRIENDSTREAM_SECRET_KEY": "k3y-too-short",
        "FRIENDSTREAM_PARTITIONS": "pat-in-the-wrong-place",
    }
    with pytest.raises(SettingsWrong) as caught:
        Settings.load(values)
    del values["FRIENDSTREAM_PARTITIONS"], values["FRIENDSTREAM_SECRET_KEY"]
    shown = f"{caught.value} {caught.value!r} {Settings.load(values)!r} {Settings.load(values).hubspot_token!s}"
    assert "pat-" not in shown
    assert "k3y" not in shown


@pytest.mark.parametrize(
    ("raw", "limit"),
    [("trial", 2), ("starter", 2), ("professional", 10), ("enterprise", 50), ("custom:7", 7), ("off", None)],
)
def test_plans(raw: str, limit: int | None) -> None:
    assert Settings.load({"FRIENDSTREAM_PLAN": raw}).plan.limit == limit


@pytest.mark.parametrize("raw", ["custom:", "custom:-1", "custom", "Trial"])
def test_plans_that_do_not_exist(raw: str) -> None:
    assert "custom:n" in _problems({"FRIENDSTREAM_PLAN": raw})[0]


@pytest.mark.parametrize(
    ("name", "raw", "field", "value"),
    [
        ("HUBSPOT_QUOTA", "auto", "hubspot_quota", None),
        ("HUBSPOT_QUOTA", "190", "hubspot_quota", 190),
        ("REQUIRE_VERIFIED", "yes", "require_verified", True),
        ("KAFKA", "a:9092, b:9093", "kafka", "a:9092,b:9093"),
        ("INGRESS_BIND", "[::1]:0", "ingress_bind", Bind("::1", 0)),
        ("LINE_API_URL", "http://127.0.0.1:5000/line/", "line_api_url", "http://127.0.0.1:5000/line"),
        ("SESSION_SECONDS", "6", "session_seconds", 6.0),
        ("LOG", "json", "log", "json"),
    ],
)
def test_values(name: str, raw: str, field: str, value: object) -> None:
    assert getattr(Settings.load({f"FRIENDSTREAM_{name}": raw}), field) == value


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("KAFKA", "host"),
        ("KAFKA", "host:0"),
        ("KAFKA", "host:1,,"),
        ("HUBSPOT_QUOTA", "0"),
        ("PARTITIONS", "0"),
        ("LINE_API_URL", "ftp://x"),
        ("LINE_API_URL", "https://user:secret@x"),
        ("LINE_API_URL", "https://x:port"),
        ("INGRESS_BIND", "127.0.0.1:99999"),
        ("REQUIRE_VERIFIED", "perhaps"),
    ],
)
def test_values_that_are_refused(name: str, raw: str) -> None:
    (problem,) = _problems({f"FRIENDSTREAM_{name}": raw})
    assert problem.startswith(f"FRIENDSTREAM_{name} must be")


def test_a_needed_token_that_is_absent_ends_with_its_name() -> None:
    with pytest.raises(SettingsWrong, match="FRIENDSTREAM_HUBSPOT_TOKEN"):
        Settings.load({}).required_hubspot_token()
