"""Rate limits refill with time; scripted trouble happens as often as it was told, and to whom."""

from devkit.line.faults import Fault, Faults
from devkit.line.limits import HOUR, Limit, RateLimits

NOW = 1_760_922_682_123


def test_the_webhook_test_may_run_sixty_times_an_hour() -> None:
    limits = RateLimits()
    assert [limits.allow("1", "webhook.test", NOW) for _ in range(61)] == [True] * 60 + [False]
    assert limits.allow("2", "webhook.test", NOW)
    assert limits.allow("1", "webhook.test", NOW + HOUR // 60)


def test_a_limit_can_be_replaced() -> None:
    limits = RateLimits()
    limits.overrides["profile"] = Limit(1, 1000)
    assert [limits.allow("1", "profile", at) for at in (NOW, NOW + 999, NOW + 1000)] == [True, False, True]


def test_a_fault_meets_its_call_as_often_as_told() -> None:
    faults = Faults()
    fault = faults.add(Fault(call="profile", times=2, skip=1))
    met = [faults.meet(call, "1") for call in ("profile", "info", "profile", "profile", "profile")]
    assert met == [None, None, fault, fault, None]


def test_a_fault_of_one_channel_spares_the_others() -> None:
    faults = Faults()
    lasting = faults.add(Fault(channel_id="1", times=None))
    assert [faults.meet("info", channel) for channel in ("2", "1", "1")] == [None, lasting, lasting]
    faults.clear()
    assert faults.meet("info", "1") is None
