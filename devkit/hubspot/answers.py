"""What HubSpot answers: a status with a JSON body, or a refusal in the shape of its error model."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

SCOPES_PAGE = "https://developers.hubspot.com/scopes"


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer; `body` is anything JSON can carry, None for 204."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An answer that ends the whole request, or one item of a batch, with an error.

    `body` is the error object without `correlationId`, which the front door adds; `item_context` is shown
    only where the refusal is an item of a 207.
    """

    def __init__(
        self, status: int, body: Json, headers: dict[str, str] | None = None, item_context: Json | None = None
    ) -> None:
        super().__init__(f"{status} {body.get('message', '')}")
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.item_context = item_context or {}

    def answer(self, correlation_id: str) -> Answer:
        """Return the refusal of a whole request."""
        return Answer(self.status, {**self.body, "correlationId": correlation_id}, self.headers)

    def item(self, trace: str | None) -> Json:
        """Return the refusal as one entry of `errors` in a 207; validation details stay in its `message`."""
        context = {**self.body.get("context", {}), **self.item_context}
        if trace is not None:
            context = {"objectWriteTraceId": [trace], **context}
        kept = {key: value for key, value in self.body.items() if key not in ("context", "errors")}
        return {**kept, "context": context}


def error(status: int, category: str, message: str, **more: Any) -> Refusal:
    """Return a refusal with HubSpot's usual fields; `more` adds context, errors, subCategory or links."""
    return Refusal(status, {"status": "error", "message": message, "category": category, **more})


def invalid(message: str, **more: Any) -> Refusal:
    """Return a 400 VALIDATION_ERROR."""
    return error(400, "VALIDATION_ERROR", message, **more)


def malformed(detail: str) -> Refusal:
    """Return the 400 for a body that cannot be read into the expected shape."""
    return Refusal(400, {"status": "error", "message": f"Invalid input JSON: {detail}"})


def not_found(message: str = "resource not found", category: str = "OBJECT_NOT_FOUND") -> Refusal:
    """Return a 404 for a single record, property or group."""
    return error(404, category, message)


def already_exists(existing_id: str) -> Refusal:
    """Return the 409 for an e-mail that another contact has; a 207 has the id in `context.existingId` too."""
    body = {"status": "error", "message": f"Contact already exists. Existing ID: {existing_id}", "category": "CONFLICT"}
    return Refusal(409, body, item_context={"existingId": [existing_id]})


def missing_scopes(scopes: tuple[str, ...]) -> Refusal:
    """Return the 403 that names the scopes, one of which is needed."""
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": list(scopes)},
    }
    return error(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {SCOPES_PAGE}.",
        errors=[detail],
        links={"scopes": SCOPES_PAGE},
    )
