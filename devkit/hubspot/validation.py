"""Checks the property values of one write against the schema, all problems at once, as HubSpot reports them."""

from collections.abc import Iterable

import orjson

from devkit.hubspot.answers import Refusal, invalid
from devkit.hubspot.schema import Schema
from devkit.hubspot.values import Problem, normal, normal_email

ADDITIONAL = "hs_additional_emails"


def not_valid(problems: Iterable[Problem]) -> Refusal:
    """Return the 400 that lists problems as JSON text inside `message`."""
    found = list(problems)
    listed = orjson.dumps([problem.listed() for problem in found]).decode()
    return invalid(f"Property values were not valid: {listed}", errors=[problem.detail() for problem in found])


def checked(schema: Schema, values: dict[str, str], longest_text: int, *, creating: bool) -> dict[str, str]:
    """Return the values as they will be stored; raises the 400 with every problem."""
    stored: dict[str, str] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        try:
            stored[name] = _checked_value(schema, name, value, longest_text, creating=creating)
        except Problem as problem:
            problems.append(problem)
    if problems:
        raise not_valid(problems)
    return stored


def _checked_value(schema: Schema, name: str, value: str, longest_text: int, *, creating: bool) -> str:
    definition = schema.active.get(name)
    if definition is None:
        raise Problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if name == ADDITIONAL and creating:
        return ";".join(normal_email(part) for part in value.split(";") if part)
    if definition.read_only:
        raise Problem(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    return normal(definition, value, longest_text)
