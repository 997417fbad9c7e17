"""The operators of a contact search."""

from collections.abc import Callable

from devkit.hubspot.answers import Json, invalid
from devkit.hubspot.call import text_field, text_list
from devkit.hubspot.contacts import Contact
from devkit.hubspot.definitions import Definition
from devkit.hubspot.instants import parse
from devkit.hubspot.schema import Schema

Test = Callable[[Contact], bool]
_MOMENTS = ("date", "datetime")


def compiled(schema: Schema, given: Json) -> Test:
    """Return the test of one filter; raises the 400 on an unknown property or operator."""
    name, operator = text_field(given, "propertyName"), text_field(given, "operator")
    definition = schema.active.get(name)
    if definition is None:
        raise invalid(f"There was a problem with the request: property {name} does not exist")
    value = text_field(given, "value")
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return lambda contact: (name in contact.properties) == (operator == "HAS_PROPERTY")
    if operator in ("EQ", "NEQ"):
        wanted = comparable(definition, value)
        return lambda contact: (
            (comparable(definition, contact.properties.get(name, "")) == wanted) == (operator == "EQ")
        )
    if operator in ("IN", "NOT_IN"):
        return _in(definition, text_list(given, "values"), operator == "IN")
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return lambda contact: _has_token(contact.properties.get(name, ""), value) == (operator == "CONTAINS_TOKEN")
    if operator in ("LT", "LTE", "GT", "GTE", "BETWEEN"):
        return _range(definition, operator, value, text_field(given, "highValue"))
    raise invalid(f"Invalid operator '{operator}'")


def comparable(definition: Definition, value: str) -> str | float:
    """Return what two values of this property are compared by: a number or instant, else the lower-cased text."""
    if not value:
        return ""
    if definition.type in _MOMENTS:
        at = parse(value)
        return value if at is None else float(at)
    if definition.type == "number":
        try:
            return float(value)
        except ValueError:
            return value
    return value.lower()


def _in(definition: Definition, values: list[str], wanted: bool) -> Test:
    # In text properties HubSpot compares the lower-cased stored value with the values as they were sent.
    allowed = set(values) if definition.type == "string" else {comparable(definition, value) for value in values}
    name = definition.name
    return lambda contact: (comparable(definition, contact.properties.get(name, "")) in allowed) == wanted


def _range(definition: Definition, operator: str, value: str, high: str) -> Test:
    low, top, name = comparable(definition, value), comparable(definition, high), definition.name

    def holds(contact: Contact) -> bool:
        stored = comparable(definition, contact.properties.get(name, ""))
        if stored == "" or not isinstance(stored, type(low)):
            return False
        left, right = (stored, low) if isinstance(stored, float) else (str(stored), str(low))
        tests = {"LT": left < right, "LTE": left <= right, "GT": left > right, "GTE": left >= right}  # type: ignore[operator]  # same type, see above
        if operator != "BETWEEN":
            return tests[operator]
        return tests["GTE"] and isinstance(top, type(stored)) and stored <= top  # type: ignore[operator]  # same type

    return holds


def _has_token(stored: str, wanted: str) -> bool:
    text, pattern = stored.lower(), wanted.lower()
    if "*" in pattern:
        return pattern.strip("*") in text
    tokens = text.replace(";", " ").replace("@", " ").replace(".", " ").split()
    parts = pattern.replace("@", " ").replace(".", " ").split()
    return (
        text == pattern
        or pattern in text.split(";")
        or any(tokens[at : at + len(parts)] == parts for at in range(len(tokens) - len(parts) + 1))
    )
