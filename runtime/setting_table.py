"""The table of all settings: what is read, what it means, what it is when absent.

Law: this table is the only source of names, defaults and documentation; `runtime.settings` reads by it and
docs/settings.md is rendered from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from runtime import setting_values as kind

PREFIX: Final = "FRIENDSTREAM_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `field` is its name in Settings, `default` the text that is read when it is absent."""

    field: str
    parse: Callable[[str], Any]
    default: str | None
    meaning: str
    secret: bool = False

    @property
    def variable(self) -> str:
        return PREFIX + self.field.upper()


TABLE: Final[tuple[Setting, ...]] = (
    Setting("data_dir", kind.path, "./.friendstream", "Where everything on this machine is kept."),
    Setting("kafka", kind.kafka, "embedded", "`embedded`, or bootstrap servers as `host:port,host:port`."),
    Setting("kafka_port", kind.whole(0, 65534), "0", "Port of the embedded Kafka; 0: chosen once, kept in DATA_DIR. The next port is used, too."),
    Setting("kafka_memory_mb", kind.whole(256, 65536), "512", "Largest heap of the embedded Kafka, in MiB."),
    Setting("jar_cache", kind.path, None, "Where the jars of the embedded Kafka are kept; absent: the caches of this user."),
    Setting("maven_url", kind.url, None, "Where the jars of the embedded Kafka come from, once; absent: Maven Central."),
    Setting("partitions", kind.whole(1, 1000), "12", "Partitions of every topic; counts only before the first start."),
    Setting("line_api_url", kind.url, "https://api.line.me", "LINE's Messaging API."),
    Setting("line_data_url", kind.url, "https://api-data.line.me", "LINE's API for content; nothing asks for content yet."),
    Setting("hubspot_api_url", kind.url, "https://api.hubapi.com", "HubSpot's API."),
    Setting("hubspot_token", kind.text, None, "Access token of the HubSpot app.", secret=True),
    Setting("ca_file", kind.existing_file, None, "Certificates (PEM) to trust for LINE and HubSpot, besides the usual ones."),
    Setting("public_url", kind.url, None, "Where LINE reaches the ingress, for example `https://line.example.com`."),
    Setting("ingress_bind", kind.bind, "127.0.0.1:8080", "Where the ingress listens; port 0: any free one."),
    Setting("web_bind", kind.bind, "127.0.0.1:6066", "Where the pages of the fold's worker listen; port 0: any free one."),
    Setting("health_bind", kind.bind, "127.0.0.1:0", "Where roles without pages answer `/livez /readyz /metrics`; under `up` the LINE sink takes the next port."),
    Setting("secret_key", kind.long_text, None, "Seals the secrets of connections, 32 characters or more. With embedded Kafka it is made in DATA_DIR when absent.", secret=True),
    Setting("admin_password", kind.text, None, "Password of the web pages.", secret=True),
    Setting("api_token", kind.text, None, "Bearer token of `/api/v1`.", secret=True),
    Setting("plan", kind.plan, "off", "How many connections may live: `trial starter professional enterprise custom:n off`."),
    Setting("support_contact", kind.text, None, "Whom the pages name when a limit is reached."),
    Setting("require_verified", kind.flag, "0", "1: only verified LINE accounts can be connected."),
    Setting("connections_file", kind.existing_file, None, "Connections (JSON) that are made at the start, by channel id."),
    Setting("retention_days", kind.whole(1, 3650), "28", "Days that topics with personal content keep it."),
    Setting("sweep_seconds", kind.whole(1, 604800), "3600", "Least seconds between the starts of two walks of the sweep, which compares every contact with its friend; a walk takes no more than a twentieth of the quota."),
    Setting("hubspot_quota", kind.quota, "auto", "Calls to HubSpot in 10 seconds; `auto`: as its answers say."),
    Setting("hubspot_batch_ms", kind.whole(0, 60000), "200", "Milliseconds that a change waits for others to share its call."),
    Setting("recreate_after_erasure", kind.flag, "0", "1: a message after a privacy erasure makes a contact again."),
    Setting("spool_mb", kind.whole(1, 1048576), "1024", "MiB of events that the ingress keeps on disk while Kafka is away."),
    Setting("store", kind.choice("memory", "rocksdb"), "memory", "Where the fold keeps its table between events."),
    Setting("session_seconds", kind.seconds(1, 300), "15", "Seconds after which a silent worker loses its partitions."),
    Setting("language", kind.choice("ja", "en"), "ja", "Language of the pages."),
    Setting("log", kind.choice("text", "json"), "text", "Shape of the log lines on stderr."),
)  # fmt: skip

BY_VARIABLE: Final = {setting.variable: setting for setting in TABLE}


def variables() -> list[str]:
    """Every variable that is read, the _FILE ones of secrets included."""
    return [name for s in TABLE for name in ([s.variable, f"{s.variable}_FILE"] if s.secret else [s.variable])]


def as_markdown() -> str:
    """The page docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "<!-- Rendered from runtime/setting_table.py by `python -m runtime.setting_table > docs/settings.md`. -->",
        "",
        f"Every setting is an environment variable with the prefix `{PREFIX}`. An empty one counts as absent. All",
        "wrong ones are reported together, and the program ends with exit code 78. A secret can be put into a file,",
        "named by the same variable with `_FILE` at its end.",
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
    ]
    for setting in TABLE:
        name = f"`{setting.field.upper()}`" + (" (secret)" if setting.secret else "")
        default = "" if setting.default is None else f"`{setting.default}`"
        lines.append(f"| {name} | {default} | {setting.meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
