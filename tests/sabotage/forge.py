"""A warm process that forks one child for each trial: all that is foreign is imported once, nothing of ours before.

Law: a child sees the code as it stands in the copy at that moment. One request is one line of JSON on stdin
({"arguments", "seconds", "log"}), one answer one line on stdout: how pytest ended, null if it was ended by us.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

FOREIGN = (
    *("pytest", "_pytest.junitxml", "unittest.mock", "xml.etree.ElementTree"),
    *("aiohttp", "aiokafka", "aiokafka.admin", "confluent_kafka.admin", "cryptography.hazmat.primitives.ciphers.aead"),
    *("faust", "faust.tables.recovery", "faust.transport.drivers.aiokafka", "faust.web.drivers.aiohttp"),
    *("jgo", "jgo.maven", "linebot.v3.messaging", "linebot.v3.oauth", "hubspot.crm.properties", "hypothesis"),
    *("click", "msgspec", "orjson", "prometheus_client", "rich.table", "uvloop", "rocksdict"),
)
_LOOK_AGAIN = 0.02


def main() -> None:
    for name in FOREIGN:
        importlib.import_module(name)
    print(json.dumps("warm"), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(_forked(asked["arguments"], asked["seconds"], Path(asked["log"]))), flush=True)


def _forked(arguments: list[str], seconds: float, log: Path) -> int | None:
    child = os.fork()
    if child == 0:
        _become_pytest(arguments, log)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_LOOK_AGAIN)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _become_pytest(arguments: list[str], log: Path) -> None:
    os.setsid()
    sink: Any = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(sink, stream)
    import pytest

    code = 70
    try:
        code = int(pytest.main(arguments))
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
