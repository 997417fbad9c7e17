"""One API call as the handlers see it: route parameters, query and JSON body, read with HubSpot's strictness."""

from dataclasses import dataclass, field
from typing import Any

from devkit.hubspot.answers import Json, invalid, malformed

BATCH_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Call:
    """A routed request; `now` in ms."""

    now: int
    params: tuple[str, ...] = ()
    query: dict[str, list[str]] = field(default_factory=dict)
    body: Any = None

    def text(self, name: str) -> str:
        """Return the last value of a query parameter, or an empty text."""
        return self.query.get(name, [""])[-1]

    def flag(self, name: str) -> bool:
        """Say whether a query parameter is `true`."""
        return self.text(name).lower() == "true"

    def names(self, name: str) -> list[str]:
        """Return a list parameter, given with commas or repeated."""
        return [part for value in self.query.get(name, []) for part in value.split(",") if part]

    def number(self, name: str, default: int, highest: int) -> int:
        """Return a number of the query; raises the 400 when it is none or above the limit."""
        value = self.text(name)
        if not value:
            return default
        if not value.isdecimal() or not 0 < int(value) <= highest:
            raise invalid(f"Invalid value '{value}' for '{name}': it must be between 1 and {highest}")
        return int(value)

    def document(self) -> Json:
        """Return the body as an object; an absent one is empty."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise malformed("Cannot deserialize an object from a list or a plain value")
        return self.body

    def inputs(self) -> list[Json]:
        """Return the inputs of a batch: none if the body has none, at most 100."""
        given = self.document().get("inputs")
        if given is None:
            return []
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            raise malformed("Cannot deserialize the list `inputs`")
        if len(given) > BATCH_LIMIT:
            raise invalid(f"The maximum number of inputs in a batch is {BATCH_LIMIT}, but {len(given)} were given")
        return given


def text_field(source: Json, name: str) -> str:
    """Return a text of a body, a number as its digits, or an empty text; raises the 400 on other kinds."""
    value = source.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise malformed(f"Cannot deserialize value of type `java.lang.String` for `{name}`")
    return str(value)


def text_list(source: Json, name: str) -> list[str]:
    """Return a list of texts of a body, empty when absent; raises the 400 on other kinds."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise malformed(f"Cannot deserialize the list `{name}`")
    return value


def property_values(source: Json) -> dict[str, str]:
    """Return the `properties` of a body: texts only, null as an empty one; raises the 400 on booleans and numbers."""
    given = source.get("properties")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise malformed("Cannot deserialize the object `properties`")
    for name, value in given.items():
        if value is not None and not isinstance(value, str):
            kind = type(value).__name__
            raise malformed(f"Cannot deserialize value of type `java.lang.String` from {kind} value (`{name}`)")
    return {name: value or "" for name, value in given.items()}
