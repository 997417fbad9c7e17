"""What the registry needs of HubSpot: that the seven properties of connection N are there.

Law: HubSpot being away is no verdict about the properties, and a property of another type is never changed by us.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertiesReport:
    """Names of properties by what was done; `wrong`: sentences that name a property and both types."""

    created: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


class PropertiesUnknown(Exception):
    """HubSpot could not be asked; the text is a sentence for people."""


EnsureProperties = Callable[[int], Awaitable[PropertiesReport]]
