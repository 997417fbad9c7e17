"""Who may call: tokens of private apps and their scopes."""

from dataclasses import dataclass, field

from devkit.hubspot.answers import Refusal, error, missing_scopes

SCOPES = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
)
_HELP = "https://developers.hubspot.com/docs/methods/auth/oauth-overview"


@dataclass(slots=True)
class Grant:
    """What one token may do."""

    token: str
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    app_id: int = 1_160_452
    user_id: int = 7_120_033
    withdrawn: bool = False


class Access:
    """The tokens of a portal."""

    def __init__(self, token: str) -> None:
        self.grants = {token: Grant(token)}

    def issue(self, token: str, scopes: list[str] | None = None) -> Grant:
        """Make a token valid, of an own app, with all scopes or these."""
        grant = Grant(token, app_id=1_160_452 + len(self.grants))
        if scopes is not None:
            grant.scopes = set(scopes)
        self.grants[token] = grant
        return grant

    def withdraw(self, token: str | None = None) -> None:
        """Let a token, or all of them, be refused from now on."""
        for grant in self._chosen(token):
            grant.withdrawn = True

    def restore(self, token: str | None = None) -> None:
        """Accept withdrawn tokens again."""
        for grant in self._chosen(token):
            grant.withdrawn = False

    def withdraw_scope(self, scope: str, token: str | None = None) -> None:
        """Take a scope from a token, or from all."""
        for grant in self._chosen(token):
            grant.scopes.discard(scope)

    def grant_scope(self, scope: str, token: str | None = None) -> None:
        """Give a scope to a token, or to all."""
        for grant in self._chosen(token):
            grant.scopes.add(scope)

    def admit(self, authorization: str, scopes: tuple[str, ...]) -> Grant:
        """Return the grant of a call; raises 401 without a valid token, 403 without one of the scopes.

        A scope that ends in `*` stands for every scope that begins so.
        """
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise _unauthorized(
                "Authentication credentials not found. This API supports OAuth 2.0 authentication "
                f"and you can find more details at {_HELP}"
            )
        grant = self.grants.get(token.strip())
        if grant is None or grant.withdrawn:
            raise _unauthorized(f"The access token is invalid or was revoked. You can find more details at {_HELP}")
        if scopes and not any(_covers(grant.scopes, scope) for scope in scopes):
            raise missing_scopes(scopes)
        return grant

    def _chosen(self, token: str | None) -> list[Grant]:
        return list(self.grants.values()) if token is None else [self.grants[token]]


def _covers(held: set[str], wanted: str) -> bool:
    if wanted.endswith("*"):
        return any(scope.startswith(wanted[:-1]) for scope in held)
    return wanted in held


def _unauthorized(message: str) -> Refusal:
    return error(401, "INVALID_AUTHENTICATION", message)
