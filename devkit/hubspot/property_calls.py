"""The calls on contact properties and their groups."""

from collections.abc import Callable

from devkit.hubspot.answers import Answer, Json, Refusal
from devkit.hubspot.batch_calls import answer_batch
from devkit.hubspot.call import Call, text_field
from devkit.hubspot.definitions import Definition
from devkit.hubspot.portal import Portal
from devkit.hubspot.schema import views


def listing(portal: Portal, call: Call) -> Answer:
    """GET all, active or archived, without paging."""
    portal.schema.purge(call.now)
    source = portal.schema.archived if call.flag("archived") else portal.schema.active
    wanted = call.text("dataSensitivity") or "non_sensitive"
    return Answer(200, {"results": views(item for item in source.values() if item.data_sensitivity == wanted)})


def read(portal: Portal, call: Call) -> Answer:
    """GET one."""
    return Answer(200, portal.schema.find(call.params[0], archived=call.flag("archived"), now=call.now).view())


def create(portal: Portal, call: Call) -> Answer:
    """POST one: 201 also where it restores an archived one."""
    made = _create(portal, call.document(), call.now)
    return Answer(201, made.view(), {"Location": f"/crm/v3/properties/contacts/{made.name}"})


def update(portal: Portal, call: Call) -> Answer:
    """PATCH one."""
    return Answer(200, portal.schema.change(call.params[0], call.document(), call.now).view())


def archive(portal: Portal, call: Call) -> Answer:
    """DELETE one."""
    portal.schema.archive(call.params[0], call.now)
    return Answer(204)


def batch_create(portal: Portal, call: Call) -> Answer:
    """POST batch/create: 201, or 207 when some could not be made."""
    return _each(call, 201, lambda item: _create(portal, item, call.now))


def batch_read(portal: Portal, call: Call) -> Answer:
    """POST batch/read: 200, or 207 when some are not there."""
    archived = call.document().get("archived") is True
    return _each(call, 200, lambda item: portal.schema.find(text_field(item, "name"), archived=archived, now=call.now))


def batch_archive(portal: Portal, call: Call) -> Answer:
    """POST batch/archive: always 204, what cannot be archived stays."""
    for item in call.inputs():
        name = text_field(item, "name")
        definition = portal.schema.active.get(name)
        if definition is not None and not definition.hubspot_defined and not definition.used_in:
            portal.schema.archive(name, call.now)
    return Answer(204)


def groups_listing(portal: Portal, call: Call) -> Answer:
    """GET all groups; archived ones cannot be listed."""
    return Answer(200, {"results": [] if call.flag("archived") else views(portal.schema.groups.values())})


def groups_read(portal: Portal, call: Call) -> Answer:
    """GET one group."""
    return Answer(200, portal.schema.group(call.params[0]).view())


def groups_create(portal: Portal, call: Call) -> Answer:
    """POST one group."""
    made = portal.schema.create_group(call.document())
    return Answer(201, made.view(), {"Location": f"/crm/v3/properties/contacts/groups/{made.name}"})


def groups_update(portal: Portal, call: Call) -> Answer:
    """PATCH one group."""
    return Answer(200, portal.schema.change_group(call.params[0], call.document()).view())


def groups_archive(portal: Portal, call: Call) -> Answer:
    """DELETE one group."""
    portal.schema.archive_group(call.params[0])
    return Answer(204)


def _create(portal: Portal, wanted: Json, now: int) -> Definition:
    made = portal.schema.create(wanted, now)
    if made.has_unique_value and not portal.contacts.is_unique(made.name):
        portal.contacts.index_unique(made.name)
    return made


def _each(call: Call, status: int, act: Callable[[Json], Definition]) -> Answer:
    results, errors = [], []
    for item in call.inputs():
        try:
            results.append(act(item).view())
        except Refusal as refusal:
            entry = refusal.item(None)
            entry["context"] = {"name": [text_field(item, "name")], **entry["context"]}
            errors.append(entry)
    return answer_batch(status, results, errors, call.now)
