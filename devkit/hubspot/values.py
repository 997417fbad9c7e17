"""Which texts a property takes, and how it stores them. Values are strings both ways; an empty one clears."""

import re
from dataclasses import dataclass

from devkit.hubspot.answers import Json
from devkit.hubspot.definitions import Definition
from devkit.hubspot.instants import DAY, iso, iso_value, parse

_EMAIL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+")
_TOP_LEVEL = re.compile(r"[a-z]{2,24}|xn--[a-z0-9-]+")
_NO_TOP_LEVELS = frozenset({"test", "example", "invalid", "localhost", "local", "internal", "lan", "home", "corp"})
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@dataclass(eq=False)
class Problem(Exception):
    """Why a value is not valid."""

    name: str
    code: str
    text: str

    def listed(self) -> Json:
        """Return it as it stands in the JSON list inside `message`."""
        return {"isValid": False, "message": self.text, "error": self.code, "name": self.name}

    def detail(self) -> Json:
        """Return it as an entry of `errors` of a whole request."""
        return {"message": self.text, "code": self.code, "context": {"propertyName": [self.name]}}


def normal(definition: Definition, value: str, longest_text: int) -> str:
    """Return the text as it will be stored; raises Problem."""
    if value == "":
        return ""
    if definition.name == "email":
        return normal_email(value)
    if definition.type in ("string", "phone_number"):
        if len(value) > longest_text:
            raise Problem(definition.name, "VALUE_TOO_LONG", f"Value is {len(value)} characters, over {longest_text}")
        return value
    if value != value.strip() or value[0] in _INVISIBLE or value[-1] in _INVISIBLE:
        text = f'Property value "{value}" has leading or trailing whitespace'
        raise Problem(definition.name, "LEADING_TRAILING_WHITESPACE", text)
    if definition.type == "enumeration":
        return _option(definition, value)
    if definition.type == "bool":
        if value not in ("true", "false"):
            raise Problem(
                definition.name, "INVALID_OPTION", f"{value} was not one of the allowed options: [true, false]"
            )
        return value
    if definition.type == "number":
        if not _NUMBER.fullmatch(value):
            raise Problem(definition.name, "INVALID_NUMBER", f"{value} was not a valid number.")
        return value
    return _instant(definition, value)


def normal_email(value: str) -> str:
    """Return the address lower-cased, as HubSpot stores it; raises Problem when it is malformed or of no known TLD."""
    address = value.lower()
    local, _, domain = address.rpartition("@")
    top = domain.rpartition(".")[2]
    well_formed = len(local) <= 64 and len(address) <= 254 and _EMAIL.fullmatch(address[: len(address) - len(top)])
    if not well_formed or not _TOP_LEVEL.fullmatch(top) or top in _NO_TOP_LEVELS:
        raise Problem("email", "INVALID_EMAIL", f"Email address {value} is invalid")
    return address


def _option(definition: Definition, value: str) -> str:
    allowed = definition.allowed()
    chosen = [part for part in value.split(";") if part] if definition.field_type == "checkbox" else [value]
    for part in chosen:
        if part not in allowed:
            text = f"{part} was not one of the allowed options: [{', '.join(allowed)}]"
            raise Problem(definition.name, "INVALID_OPTION", text)
    return ";".join(chosen)


def _instant(definition: Definition, value: str) -> str:
    at = parse(value)
    if at is None:
        raise Problem(definition.name, "INVALID_DATE", f"{value} was not a valid date.")
    if definition.type == "datetime":
        return iso_value(at)
    if at % DAY:
        raise Problem(definition.name, "INVALID_DATE", f"{value} is at a time of day, not midnight UTC.")
    return iso(at)[:10]
