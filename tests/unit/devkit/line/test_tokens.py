"""Tokens live and die as documented, by the clock that is passed in."""

from devkit.line.identifiers import Identifiers
from devkit.line.tokens import Tokens, issue_short_lived

NOW = 1_760_922_682_123


def test_a_stateless_token_dies_after_fifteen_minutes_and_cannot_be_revoked() -> None:
    tokens = Tokens(Identifiers(1))
    token = tokens.issue("stateless", "1", NOW)
    tokens.revoke(token.value)
    assert token.dead(NOW + 899_999) is None
    assert token.dead(NOW + 900_000) == "The access token expired"


def test_the_31st_short_lived_token_kills_the_oldest() -> None:
    tokens = Tokens(Identifiers(1))
    issued = [tokens.issue("short", "1", NOW) for _ in range(31)]
    tokens.issue("short", "2", NOW)
    assert [token.dead(NOW) is None for token in issued] == [False] + [True] * 30


def test_stateless_tokens_have_no_cap() -> None:
    tokens = Tokens(Identifiers(1))
    issued = [tokens.issue("stateless", "1", NOW) for _ in range(40)]
    assert all(token.dead(NOW) is None for token in issued)


def test_a_second_long_lived_token_kills_the_first() -> None:
    tokens = Tokens(Identifiers(1))
    first, second = tokens.issue("long", "1", NOW), tokens.issue("long", "1", NOW)
    assert (first.dead(NOW) is None, second.dead(NOW + 10**12) is None) == (False, True)


def test_the_short_lived_endpoint_tells_which_half_is_wrong() -> None:
    form = {"grant_type": "client_credentials", "client_id": "1", "client_secret": "s"}
    answer = issue_short_lived(Tokens(Identifiers(1)), {}, form, NOW)
    assert (answer.status, answer.body) == (
        400,
        {"error": "invalid_client", "error_description": "invalid client_id"},
    )
