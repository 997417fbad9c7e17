"""Property and group definitions of the contact object, and how the API shows them."""

from dataclasses import dataclass, field

from devkit.hubspot.answers import Json
from devkit.hubspot.instants import iso


@dataclass(slots=True)
class Group:
    """A property group."""

    name: str
    label: str
    display_order: int = -1
    hubspot_defined: bool = False
    archived: bool = False

    def view(self) -> Json:
        """Return the group as the API shows it."""
        return {
            "name": self.name,
            "label": self.label,
            "displayOrder": self.display_order,
            "archived": self.archived,
        }


@dataclass(slots=True)
class Definition:
    """A property of the contact object; times in ms."""

    name: str
    label: str
    type: str
    field_type: str
    group_name: str
    created_at: int = 0
    updated_at: int = 0
    description: str = ""
    display_order: int = -1
    hidden: bool = False
    form_field: bool = False
    has_unique_value: bool = False
    data_sensitivity: str = "non_sensitive"
    options: list[Json] = field(default_factory=list)
    hubspot_defined: bool = False
    read_only: bool = False
    archived_at: int | None = None
    used_in: str = ""  # what uses it, e.g. a workflow: then it cannot be archived

    def allowed(self) -> list[str]:
        """Return the internal values of the options, in order."""
        return [str(option["value"]) for option in self.options]

    def view(self) -> Json:
        """Return the property as the API shows it."""
        shown: Json = {
            "updatedAt": iso(self.updated_at),
            "createdAt": iso(self.created_at),
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group_name,
            "options": self.options,
            "displayOrder": self.display_order,
            "calculated": False,
            "externalOptions": False,
            "archived": self.archived_at is not None,
            "hasUniqueValue": self.has_unique_value,
            "hidden": self.hidden,
            "hubspotDefined": self.hubspot_defined,
            "modificationMetadata": {
                "archivable": not self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyValue": self.read_only,
            },
            "formField": self.form_field,
            "dataSensitivity": self.data_sensitivity,
        }
        if self.archived_at is not None:
            shown["archivedAt"] = iso(self.archived_at)
        return shown
