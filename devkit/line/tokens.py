"""Channel access tokens: how long each kind lives and which one dies when another is issued (facts/line.md 8)."""

from dataclasses import dataclass
from typing import Literal

from devkit.line.answer import Answer, oauth_refused, ok
from devkit.line.identifiers import Identifiers
from devkit.line.model import Account
from devkit.line.signature import Json

Kind = Literal["stateless", "short", "long"]
LIFE_S = {"stateless": 900, "short": 2_592_000}
SHORT_LIVED_CAP = 30
TOKEN_LENGTH = {"stateless": 120, "short": 86, "long": 172}


@dataclass(slots=True)
class Token:
    """One issued token; `expires_at` in ms, None lives until it is revoked."""

    value: str
    kind: Kind
    channel_id: str
    expires_at: int | None
    revoked: bool = False

    def dead(self, now: int) -> str | None:
        """Return why the token is dead, or None while it lives."""
        if self.revoked:
            return "The access token revoked"
        return "The access token expired" if self.expires_at is not None and self.expires_at <= now else None


class Tokens:
    """Every token of one simulator, in the order of issue."""

    def __init__(self, ids: Identifiers) -> None:
        self._ids = ids
        self._tokens: dict[str, Token] = {}

    def issue(self, kind: Kind, channel_id: str, now: int) -> Token:
        """Return a new token; the 31st short-lived one kills the oldest, a second long-lived one kills the first."""
        life = LIFE_S.get(kind)
        expires_at = None if life is None else now + 1000 * life
        token = Token(self._ids.opaque(TOKEN_LENGTH[kind]), kind, channel_id, expires_at)
        cap = {"short": SHORT_LIVED_CAP, "long": 1}.get(kind)
        alive = [t for t in self._tokens.values() if (t.channel_id, t.kind) == (channel_id, kind) and not t.dead(now)]
        if cap is not None:
            for oldest in alive[: max(0, len(alive) - cap + 1)]:
                oldest.revoked = True
        self._tokens[token.value] = token
        return token

    def find(self, value: str) -> Token | None:
        """Return a token that was issued here, dead or alive."""
        return self._tokens.get(value)

    def revoke(self, value: str) -> None:
        """Kill one token; an unknown one is no error, a stateless one cannot be revoked."""
        token = self._tokens.get(value)
        if token is not None and token.kind != "stateless":
            token.revoked = True

    def revoke_all(self, channel_id: str) -> int:
        """Kill every token of a channel, stateless ones too, and return how many: a fault, not an API of LINE."""
        doomed = [t for t in self._tokens.values() if t.channel_id == channel_id and not t.revoked]
        for token in doomed:
            token.revoked = True
        return len(doomed)


def bearer(token: Token, now: int) -> Json:
    """Return the body of an issued token."""
    life = 0 if token.expires_at is None else (token.expires_at - now) // 1000
    return {"token_type": "Bearer", "access_token": token.value, "expires_in": life}


def issue_stateless(tokens: Tokens, accounts: dict[str, Account], form: dict[str, str], now: int) -> Answer:
    """Answer `POST /oauth2/v3/token`; a wrong id and a wrong secret look the same."""
    if form.get("grant_type") != "client_credentials":
        return oauth_refused("invalid_request", "Invalid 'grant_type'.")
    account = accounts.get(form.get("client_id", ""))
    if account is None or form.get("client_secret") != account.channel_secret:
        return oauth_refused("invalid_request", "Invalid 'client_credentials'.")
    return ok(**bearer(tokens.issue("stateless", account.channel_id, now), now))


def issue_short_lived(tokens: Tokens, accounts: dict[str, Account], form: dict[str, str], now: int) -> Answer:
    """Answer `POST /v2/oauth/accessToken`, which tells a wrong id from a wrong secret."""
    if form.get("grant_type") != "client_credentials":
        return oauth_refused("invalid_request", "invalid grant_type")
    account = accounts.get(form.get("client_id", ""))
    if account is None:
        return oauth_refused("invalid_client", "invalid client_id")
    if form.get("client_secret") != account.channel_secret:
        return oauth_refused("invalid_client", "invalid client_secret")
    return ok(**bearer(tokens.issue("short", account.channel_id, now), now))


def verify(tokens: Tokens, form: dict[str, str], now: int) -> Answer:
    """Answer `POST /v2/oauth/verify` for short and long-lived tokens."""
    value = form.get("access_token", "")
    token = tokens.find(value)
    if not value.isalnum():
        return oauth_refused("invalid_request", "access_token in invalid format")
    if token is None or token.dead(now):
        return oauth_refused("invalid_request", "access_token invalid")
    return ok(client_id=token.channel_id, expires_in=bearer(token, now)["expires_in"], scope="P CM")
