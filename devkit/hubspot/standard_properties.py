"""The HubSpot-defined properties and groups that every portal has: the few that integrations touch."""

from devkit.hubspot.answers import Json
from devkit.hubspot.definitions import Definition, Group

LIFECYCLE_STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
LEAD_STATUSES = ("NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "CONNECTED", "BAD_TIMING")

_TEXTS = (
    ("email", "Email"),
    ("firstname", "First Name"),
    ("lastname", "Last Name"),
    ("company", "Company Name"),
    ("jobtitle", "Job Title"),
    ("website", "Website URL"),
    ("address", "Street Address"),
    ("city", "City"),
    ("state", "State/Region"),
    ("zip", "Postal Code"),
    ("country", "Country/Region"),
    ("hs_pinned_engagement_id", "Pinned Engagement ID"),
)
_PHONES = (("phone", "Phone Number"), ("mobilephone", "Mobile Phone Number"))
_READ_ONLY_TEXTS = (
    ("hs_object_source", "Record source"),
    ("hs_merged_object_ids", "Merged record IDs"),
    ("hs_calculated_merged_vids", "Merged vids with timestamps of a contact"),
    ("hs_all_contact_vids", "All vids for a contact"),
    ("hs_email_domain", "Email Domain"),
)


def standard_groups() -> list[Group]:
    """Return fresh copies of the groups."""
    names = (("contactinformation", "Contact information"), ("emailinformation", "Email information"))
    return [Group(name, label, order, hubspot_defined=True) for order, (name, label) in enumerate(names)]


def standard_properties() -> list[Definition]:
    """Return fresh copies of the definitions."""
    made = [_standard(name, label, "string", "text") for name, label in _TEXTS]
    made += [_standard(name, label, "string", "phonenumber") for name, label in _PHONES]
    made += [_standard(name, label, "string", "text", read_only=True) for name, label in _READ_ONLY_TEXTS]
    made += [
        _standard("hubspot_owner_id", "Contact owner", "number", "number"),
        _standard("hs_object_id", "Record ID", "number", "number", read_only=True),
        _standard("createdate", "Create Date", "datetime", "date", read_only=True),
        _standard("lastmodifieddate", "Last Modified Date", "datetime", "date", read_only=True),
        _standard("date_of_birth", "Date of birth", "date", "date"),
        _standard("hs_additional_emails", "Additional email addresses", "enumeration", "checkbox", read_only=True),
        _standard("hs_is_contact", "Is a contact", "bool", "booleancheckbox", read_only=True),
        _standard("hs_is_merge_revertible", "Merge can be undone", "bool", "booleancheckbox", read_only=True),
        _choice("lifecyclestage", "Lifecycle Stage", LIFECYCLE_STAGES),
        _choice("hs_lead_status", "Lead Status", LEAD_STATUSES),
    ]
    return made


def _standard(name: str, label: str, kind: str, field_type: str, *, read_only: bool = False) -> Definition:
    return Definition(name, label, kind, field_type, "contactinformation", hubspot_defined=True, read_only=read_only)


def _choice(name: str, label: str, values: tuple[str, ...]) -> Definition:
    options: list[Json] = [
        {"label": value.replace("_", " ").title(), "value": value, "displayOrder": order, "hidden": False}
        for order, value in enumerate(values)
    ]
    made = _standard(name, label, "enumeration", "radio")
    made.options = options
    return made
