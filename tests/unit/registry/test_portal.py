"""The first portal stays the only one."""

from __future__ import annotations

import pytest

from registry.portal import decide
from runtime.refusal import Refusal


def test_the_first_portal_is_kept() -> None:
    first = decide(None, 111, 5)
    assert (first.portal_id, first.since) == (111, 5)
    assert decide(first, 111, 9) == first


def test_a_token_of_another_portal_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        decide(decide(None, 111, 5), 222, 9)
    assert (refused.value.exit_code, refused.value.code) == (78, "other_portal")
    assert "222" in refused.value.what
    assert "111" in refused.value.what
