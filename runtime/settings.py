"""The only reader of the environment.

Law: settings are read once, all of them, and every problem is reported in one go; no message, repr or log line holds
the value of a secret.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from runtime.refusal import MISCONFIGURED, Refusal
from runtime.setting_table import BY_VARIABLE, PREFIX, TABLE, Setting, variables
from runtime.setting_values import Bind, Plan, Secret, Unacceptable

__all__ = ["Bind", "Plan", "Secret", "Settings", "SettingsWrong"]


class SettingsWrong(Refusal):
    """Ends the program with 78; `problems` has one sentence for each wrong setting."""

    def __init__(self, problems: list[str]) -> None:
        count = "1 setting is wrong" if len(problems) == 1 else f"{len(problems)} settings are wrong"
        super().__init__(
            MISCONFIGURED,
            "settings_wrong",
            "\n".join([f"{count}:", *(f"  {problem}" for problem in problems)]),
            next_step="docs/settings.md names every setting",
        )
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, checked; what each means is in runtime/setting_table.py and docs/settings.md."""

    data_dir: Path
    kafka: str
    kafka_port: int
    kafka_memory_mb: int
    jar_cache: Path | None
    maven_url: str | None
    partitions: int
    line_api_url: str
    line_data_url: str
    hubspot_api_url: str
    hubspot_token: Secret | None
    ca_file: Path | None
    public_url: str | None
    ingress_bind: Bind
    web_bind: Bind
    health_bind: Bind
    secret_key: Secret | None
    admin_password: Secret | None
    api_token: Secret | None
    plan: Plan
    support_contact: str | None
    require_verified: bool
    connections_file: Path | None
    retention_days: int
    sweep_seconds: int
    hubspot_quota: int | None
    hubspot_batch_ms: int
    recreate_after_erasure: bool
    spool_mb: int
    store: Literal["memory", "rocksdb"]
    session_seconds: float
    language: Literal["ja", "en"]
    log: Literal["text", "json"]

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from `environ`, else from this process's environment; raises SettingsWrong."""
        given = {name: value for name, value in (os.environ if environ is None else environ).items() if value.strip()}
        problems = _unknown(given)
        values: dict[str, Any] = {}
        for setting in TABLE:
            try:
                values[setting.field] = _value(setting, given)
            except Unacceptable as wrong:
                problems.append(f"{setting.variable} {wrong}")
        if problems:
            raise SettingsWrong(problems)
        return cls(**values)

    @property
    def kafka_is_embedded(self) -> bool:
        return self.kafka == "embedded"

    def required_hubspot_token(self) -> str:
        """The token in clear; SettingsWrong when there is none."""
        if self.hubspot_token is None:
            raise SettingsWrong([f"{PREFIX}HUBSPOT_TOKEN is needed here and absent"])
        return self.hubspot_token.reveal()


def environment() -> dict[str, str]:
    """This process's environment, for the children of `up`."""
    return dict(os.environ)


def _value(setting: Setting, given: Mapping[str, str]) -> Any:
    raw = given.get(setting.variable)
    if setting.secret:
        raw = _from_file(setting, given) if f"{setting.variable}_FILE" in given else raw
    if raw is None:
        raw = setting.default
    if raw is None:
        return None
    parsed = setting.parse(raw.strip())
    return Secret(parsed) if setting.secret else parsed


def _from_file(setting: Setting, given: Mapping[str, str]) -> str:
    if setting.variable in given:
        raise Unacceptable(f"and {setting.variable}_FILE are both given; give one")
    try:
        found = Path(given[f"{setting.variable}_FILE"].strip()).expanduser().read_text(encoding="utf-8")
    except OSError as trouble:
        raise Unacceptable(f"cannot be read: its file fails with {trouble.strerror}") from None
    except UnicodeDecodeError:
        raise Unacceptable("cannot be read: its file is not UTF-8 text") from None
    if not found.strip():
        raise Unacceptable("cannot be read: its file is empty")
    return found


def _unknown(given: Mapping[str, str]) -> list[str]:
    known = variables()
    problems = []
    for name in sorted(given):
        if not name.startswith(PREFIX) or name in known:
            continue
        if name.endswith("_FILE") and name.removesuffix("_FILE") in BY_VARIABLE:
            problems.append(f"{name} is not read: {name.removesuffix('_FILE')} is no secret, give its value")
            continue
        near = difflib.get_close_matches(name, known, n=1)
        problems.append(f"{name} is no setting" + (f"; did you mean {near[0]}?" if near else ""))
    return problems
