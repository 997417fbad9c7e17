"""What the platform says to one call: status, body, headers. Built by pure code, written to the wire elsewhere."""

from dataclasses import dataclass, field

from devkit.line.signature import Json


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; a `bytes` body is content, None is an empty body."""

    status: int
    body: Json | bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def ok(**body: object) -> Answer:
    """Return a 200 with a JSON body."""
    return Answer(200, body)


def refused(status: int, message: str, details: list[Json] | None = None, **more: object) -> Answer:
    """Return an error of the Messaging API: `message`, and `details` only if there are some."""
    return Answer(status, {"message": message, **({"details": details} if details else {}), **more})


def oauth_refused(error: str, description: str) -> Answer:
    """Return an error of the token endpoints, always 400."""
    return Answer(400, {"error": error, "error_description": description})


RATE_LIMITED = refused(429, "The API rate limit has been exceeded. Try again later.")
MONTHLY_LIMIT = refused(429, "You have reached your monthly limit.")
SAME_USER = refused(429, "Too many messages have been sent to the same user.")  # LINE's own words are not published
NOT_FOUND = refused(404, "Not found")
NOT_AVAILABLE = refused(403, "Access to this API is not available for your account")
NO_AUTHORIZATION = refused(
    401, "Authorization header required. Must follow the scheme, 'Authorization: Bearer <ACCESS TOKEN>'"
)


def unauthorized(reason: str) -> Answer:
    """Return the 401 of a token that is malformed, expired or revoked."""
    advice = "Confirm that the access token in the authorization header is valid."
    return refused(401, f"Authentication failed due to the following reason: {reason}. {advice}")
