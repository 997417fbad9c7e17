"""The portal's properties and groups: one active or archived definition per name, archived ones kept 90 days."""

import re
from collections.abc import Iterable

from devkit.hubspot.answers import Json, Refusal, error, invalid, not_found
from devkit.hubspot.definitions import Definition, Group
from devkit.hubspot.instants import DAY
from devkit.hubspot.standard_properties import standard_groups, standard_properties

CUSTOM_LIMIT = 1_000
UNIQUE_LIMIT = 10
FIELD_TYPES = {
    "string": {"text", "textarea", "file", "html", "phonenumber", "calculation_equation"},
    "number": {"number", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox", "calculation_equation"},
    "bool": {"booleancheckbox", "calculation_equation"},
    "phone_number": {"phonenumber"},
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_REQUIRED = ("name", "label", "type", "fieldType", "groupName")
_CHANGEABLE = {
    "label": "label",
    "type": "type",
    "fieldType": "field_type",
    "groupName": "group_name",
    "description": "description",
    "displayOrder": "display_order",
    "hidden": "hidden",
    "formField": "form_field",
    "options": "options",
}


class Schema:
    """Definitions by name."""

    def __init__(self) -> None:
        self.groups = {group.name: group for group in standard_groups()}
        self.active = {definition.name: definition for definition in standard_properties()}
        self.archived: dict[str, Definition] = {}

    def unique_names(self) -> list[str]:
        """Return the custom properties that identify a contact."""
        return [definition.name for definition in self.active.values() if definition.has_unique_value]

    def custom(self) -> list[Definition]:
        """Return the active definitions that HubSpot did not make."""
        return [definition for definition in self.active.values() if not definition.hubspot_defined]

    def find(self, name: str, *, archived: bool, now: int) -> Definition:
        """Return one definition; raises the 404 of an unknown name."""
        self.purge(now)
        found = (self.archived if archived else self.active).get(name)
        if found is None:
            raise not_found(f"Property '{name}' does not exist")
        return found

    def create(self, wanted: Json, now: int) -> Definition:
        """Make a property, or restore an archived one of that name with the definition it had."""
        self.purge(now)
        name = _checked_definition(wanted)
        if name in self.active:
            raise _taken("Properties.PROPERTY_WITH_NAME_EXISTS", f"A property named '{name}' already exists.")
        restored = self.archived.pop(name, None)
        if restored is not None:
            restored.archived_at = None
            restored.updated_at = now
            self.active[name] = restored
            return restored
        self._check_group(wanted["groupName"])
        self._check_limits(unique=wanted.get("hasUniqueValue") is True)
        made = Definition(name, wanted["label"], wanted["type"], wanted["fieldType"], wanted["groupName"], now, now)
        made.has_unique_value = wanted.get("hasUniqueValue") is True
        made.data_sensitivity = wanted.get("dataSensitivity", "non_sensitive")
        _apply(made, wanted)
        self.active[name] = made
        return made

    def change(self, name: str, wanted: Json, now: int) -> Definition:
        """Change what can be changed; name, uniqueness and sensitivity stay, `options` is replaced whole."""
        definition = self.find(name, archived=False, now=now)
        if definition.hubspot_defined and set(wanted) & {"type", "fieldType"}:
            raise invalid(f"Property '{name}' is HubSpot-defined: its definition is read only.")
        if "groupName" in wanted:
            self._check_group(wanted["groupName"])
        _check_pair(wanted.get("type", definition.type), wanted.get("fieldType", definition.field_type))
        _check_options(wanted.get("options", []))
        _apply(definition, wanted)
        definition.updated_at = now
        return definition

    def archive(self, name: str, now: int) -> None:
        """Archive a property; raises when it is unknown, HubSpot's own, or in use."""
        definition = self.find(name, archived=False, now=now)
        if definition.hubspot_defined:
            raise invalid(f"Property '{name}' is HubSpot-defined and cannot be archived.")
        if definition.used_in:
            code = "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"
            raise invalid(f'{{"errorCode":"{code}","message":"{name} is used in {definition.used_in}"}}')
        definition.archived_at = now
        self.archived[name] = self.active.pop(name)

    def group(self, name: str) -> Group:
        """Return one active group; raises the 404 of an unknown name."""
        found = self.groups.get(name)
        if found is None:
            raise not_found(f"Property group '{name}' does not exist")
        return found

    def create_group(self, wanted: Json) -> Group:
        """Make a group; raises the 409 of a name that is there."""
        name, label = wanted.get("name"), wanted.get("label")
        if not isinstance(name, str) or not isinstance(label, str) or not name or not label:
            raise invalid("Property groups need a name and a label.")
        if name in self.groups:
            raise _taken("PropertyGroups.PROPERTY_GROUP_WITH_NAME_EXISTS", f"A group named '{name}' already exists.")
        self.groups[name] = Group(name, label, wanted.get("displayOrder", -1))
        return self.groups[name]

    def change_group(self, name: str, wanted: Json) -> Group:
        """Change label and order of a group; its name stays."""
        group = self.group(name)
        group.label = wanted.get("label", group.label)
        group.display_order = wanted.get("displayOrder", group.display_order)
        return group

    def archive_group(self, name: str) -> None:
        """Archive a group without active properties; it cannot be listed any more."""
        self.group(name)
        if any(definition.group_name == name for definition in self.active.values()):
            code = "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"
            raise invalid(f'{{"errorCode":"{code}","message":"Group {name} still has active properties"}}')
        del self.groups[name]

    def purge(self, now: int) -> None:
        """Forget properties that were archived more than 90 days ago."""
        gone = [name for name, item in self.archived.items() if now - (item.archived_at or 0) >= 90 * DAY]
        for name in gone:
            del self.archived[name]

    def _check_group(self, name: object) -> None:
        if name not in self.groups:
            raise invalid(f"Property group '{name}' does not exist")

    def _check_limits(self, *, unique: bool) -> None:
        if len(self.custom()) >= CUSTOM_LIMIT:
            raise invalid(f"You have reached the limit of {CUSTOM_LIMIT} custom properties for this object.")
        if unique and len(self.unique_names()) >= UNIQUE_LIMIT:
            raise invalid(f"You have reached the limit of {UNIQUE_LIMIT} unique properties for this object.")


def _checked_definition(wanted: Json) -> str:
    missing = [field for field in _REQUIRED if not isinstance(wanted.get(field), str) or not wanted[field]]
    if missing:
        raise invalid(f"Some required fields were not set: [{', '.join(missing)}]")
    name: str = wanted["name"]
    if not _NAME.fullmatch(name):
        raise invalid(f"Property name '{name}' is not valid: lower-case letters, digits and underscores only.")
    _check_pair(wanted["type"], wanted["fieldType"])
    options = wanted.get("options", [])
    _check_options(options)
    if wanted["type"] == "enumeration" and not options:
        raise invalid(f"Property '{name}' is an enumeration and needs options.")
    return name


def _check_pair(kind: object, field_type: object) -> None:
    if kind not in FIELD_TYPES:
        raise invalid(f"Invalid property type '{kind}'")
    if field_type not in FIELD_TYPES[str(kind)]:
        raise invalid(f"Field type '{field_type}' does not fit property type '{kind}'")


def _check_options(options: object) -> None:
    if not isinstance(options, list) or not all(isinstance(option, dict) for option in options):
        raise invalid("options must be a list of objects")
    for option in options:
        if (
            not isinstance(option.get("label"), str)
            or not isinstance(option.get("value"), str)
            or "hidden" not in option
        ):
            raise invalid("Every option needs label, value and hidden.")
    values = [option["value"] for option in options]
    if len(set(values)) != len(values):
        raise invalid("Option values must be unique.")


def _apply(definition: Definition, wanted: Json) -> None:
    for field, attribute in _CHANGEABLE.items():
        if field in wanted:
            setattr(definition, attribute, wanted[field])
    definition.options = [_complete_option(option, order) for order, option in enumerate(definition.options)]


def _complete_option(option: Json, order: int) -> Json:
    return {"displayOrder": order, "description": "", **option}


def _taken(sub_category: str, message: str) -> Refusal:
    return error(409, "OBJECT_ALREADY_EXISTS", message, subCategory=sub_category)


def views(items: Iterable[Definition | Group]) -> list[Json]:
    """Return definitions or groups as the API lists them."""
    return [item.view() for item in items]
