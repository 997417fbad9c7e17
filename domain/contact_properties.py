"""The seven contact properties of connection N.

Law: names, labels (with the blanks around `_`), types and options are exact: people and other tools know them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

GROUP_NAME: Final = "line_integration"
GROUP_LABEL: Final = "LINE"

PropertyType = Literal["string", "enumeration", "datetime"]
FieldType = Literal["text", "textarea", "booleancheckbox", "date"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyDefinition:
    """One contact property as HubSpot knows it; `options` are pairs of value and label."""

    name: str
    label: str
    type: PropertyType
    field_type: FieldType
    options: tuple[tuple[str, str], ...] = ()


_YES_NO: Final = (("true", "Yes"), ("false", "No"))
_SHAPES: Final[tuple[tuple[str, str, PropertyType, FieldType, tuple[tuple[str, str], ...]], ...]] = (
    ("line_user_id", "LINE User ID", "string", "text", ()),
    ("line_user_name", "LINE User Name", "string", "text", ()),
    ("line_user_picture", "LINE User Picture", "string", "text", ()),
    ("line_follow", "LINE Follow", "enumeration", "booleancheckbox", _YES_NO),
    ("line_id_sync_date", "LINE ID Sync Date", "datetime", "date", ()),
    ("line_unanswered", "LINE Unanswered", "enumeration", "booleancheckbox", _YES_NO),
    ("line_last_response", "LINE Last Response", "string", "textarea", ()),
)
_NAME = re.compile(rf"({'|'.join(shape[0] for shape in _SHAPES)})_([1-9]\d{{0,8}})")


def connection_properties(number: int) -> tuple[PropertyDefinition, ...]:
    """The seven definitions of connection `number`."""
    return tuple(
        PropertyDefinition(
            name=f"{name}_{number}", label=f"{label} _ {number}", type=kind, field_type=field, options=options
        )
        for name, label, kind, field, options in _SHAPES
    )


def user_id_property(number: int) -> str:
    """The property that holds the LINE user id of connection `number`."""
    return f"line_user_id_{number}"


def number_of(property_name: str) -> int | None:
    """Which connection one of our properties belongs to; None when the property is not ours."""
    match = _NAME.fullmatch(property_name)
    return int(match[2]) if match else None


def is_instant(property_name: str) -> bool:
    """Whether the values of one of our properties are points in time."""
    return property_name.startswith("line_id_sync_date_")


def numbers_of(property_names: Iterable[str]) -> tuple[int, ...]:
    """The connections that these properties belong to, ascending."""
    return tuple(sorted({number for name in property_names if (number := number_of(name)) is not None}))
