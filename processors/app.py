"""The Faust application: one agent over three topics, one table whose changelog is friends.v1.

Law: nothing happens at import and nothing is connected here; `make_app` builds, and tests build as many as they like.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from domain.policy import FoldPolicy
from processors import segment_roll
from processors.bulk_recovery import BulkTableManager
from processors.flow import FlowCounters
from processors.fold_agent import FoldAgent
from processors.hardening import HardenedApp
from processors.row_store import ROCKSDB_OPTIONS
from processors.segment_roll import SegmentRoll
from processors.state_table import StateTable, changelog_topic
from processors.view import FoldView
from processors.web_mount import mount
from runtime import clock
from runtime.appender import Appender
from runtime.metrics import Metrics
from runtime.settings import Settings
from schemas import topics

Pages = Callable[[FoldView], web.Application]

SOURCES = tuple(topic.name for topic in topics.FOLD_SOURCES)
FETCH_BYTES = 4 << 20  # the largest run: against 1 MiB 20 % less CPU in a backlog (coalescing), 300 MB instead of 180
RUNS_PER_ACTOR = 2  # the back-pressure: Faust's default of 4096 would mean none


class FoldApp(HardenedApp):
    """The worker's app with the parts that the shell around it needs."""

    friends: StateTable
    appender: Appender
    agent_body: FoldAgent


def make_app(settings: Settings, brokers: str, pages: Pages, *, partitions: int | None = None) -> FoldApp:
    """Build the worker; `pages` makes the web application, `partitions` = the topics' real count if known.

    The data directory must exist.
    """
    count = partitions or settings.partitions
    app = FoldApp(topics.FOLD_GROUP, lanes=frozenset(SOURCES), **_faust_settings(settings, brokers, count))
    app.appender = Appender(brokers, client_id="friendstream-fold", guard=app.lease.check)
    friends: Any = app.Table(
        "friends",
        partitions=count,
        key_type=bytes,
        value_type=bytes,
        changelog_topic=changelog_topic(app, topics.FRIENDS.name),
        options=dict(ROCKSDB_OPTIONS) if settings.store == "rocksdb" else {},
    )
    app.friends = friends  # a StateTable: the setting Table says so
    counters = FlowCounters(Metrics("fold"))
    policy = FoldPolicy(recreate_after_erasure=settings.recreate_after_erasure)
    app.agent_body = FoldAgent(app.friends, app.appender, policy, counters, clock.now_ms)
    _attach(app)
    view = FoldView()
    view.open(app, app.friends, counters, count)
    mount(app, pages(view), settings.web_bind)
    return app


def _attach(app: FoldApp) -> None:
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    app.agent(app.topic(*SOURCES, **raw), name="fold", isolated_partitions=False)(_body_of(app.agent_body))

    async def connect(*_: Any, **__: Any) -> None:
        await app.appender.start()  # takes half a second: else the first run would wait for it

    async def disconnect(*_: Any, **__: Any) -> None:
        await app.appender.stop()  # after the last run is done

    roll = SegmentRoll(app.friends, app.appender, app.agent_body.locks, app.owned_partitions)

    async def roll_segments() -> None:
        await roll()

    app.timer(segment_roll.EVERY_SECONDS, on_leader=False)(roll_segments)
    app.on_partitions_assigned.connect(connect)
    app.on_before_shutdown.connect(disconnect)


def _body_of(agent: FoldAgent) -> Any:
    async def fold(stream: Any) -> None:
        await agent.fold(stream)

    return fold


def _faust_settings(settings: Settings, brokers: str, partitions: int) -> dict[str, Any]:
    return {
        "broker": [f"kafka://{server}" for server in brokers.split(",")],
        "broker_client_id": "friendstream-fold",
        "datadir": settings.data_dir / "fold",
        "store": f"{settings.store}://",
        "Table": StateTable,
        "TableManager": BulkTableManager,
        "table_standby_replicas": 0,  # useless with memory, and bulk recovery is faster
        "topic_allow_declare": False,  # topics are created by `topics create`
        "topic_disable_leader": True,
        "topic_partitions": partitions,
        "broker_session_timeout": settings.session_seconds,
        "broker_heartbeat_interval": settings.session_seconds / 5,
        "broker_commit_interval": 1.0,
        "broker_request_timeout": max(90.0, settings.session_seconds),  # Faust refuses one below the session
        "consumer_max_fetch_size": FETCH_BYTES,
        "stream_buffer_maxsize": RUNS_PER_ACTOR,
        "producer_request_timeout": 60.0,  # default 20 minutes: a dead broker would block commit and stop that long
        "web_enabled": True,
        "worker_redirect_stdouts": False,
    }
