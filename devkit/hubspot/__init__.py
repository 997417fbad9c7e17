"""A HubSpot portal in a box, written from documented behaviour; what HubSpot does not say is an option.

In a test::

    async with HubSpotSimulator(token="pat-sim", seed=1) as hubspot:
        hubspot.url                                    # host for the client
        hubspot.people.delete_contact("90012")         # also restore_, merge_, edit_, erase_contact, delete_property
        hubspot.faults.apply_then("batch/create", 502) # also answer_next, apply_then_timeout, apply_late, drop_next
        hubspot.access.withdraw_scope("crm.objects.contacts.write")
        hubspot.log.count("batch/update", 207)
        hubspot.options.burst_limit = 100              # see PortalOptions

As a process: ``python -m devkit.hubspot --port 0 --ready-file F [--token T] [--seed N] [--option NAME=VALUE]``;
F then holds ``{"url", "pid"}``. In virtual time, without a socket: ``FrontDoor(account, random).handle(request, now)``.

Admin API, JSON, no token, all under ``/_admin``:

=========================================  ==========================================================================
GET state                                  contacts, archived, merged, properties, groups, tokens, options, counters
GET contacts?archived=&<property>=         GET contacts/{id}, POST contacts, PATCH contacts/{id} ``{"properties"}``
POST contacts/{id}/{act}                   archive, restore, privacy-delete, as a person
POST merge ``{"primary","other"}``         answers the survivor
DELETE properties/{name}                   as a person; POST blocked-emails ``{"email"}``
GET calls?after=N                          counters by name and status, the last 20,000 requests with ids and traces
GET happenings                             what happened to contacts, by the names of webhook events
POST faults                                one ``faults.Fault``; POST latency one ``faults.Latency``; GET, DELETE faults
POST tokens/{act}                          issue, withdraw, restore, withdraw-scope, grant-scope ``{"token","scope"}``
PATCH options                              fields of ``options.PortalOptions``; POST clock ``{"ms"}`` lets time pass
POST reset                                 ``{"keep_properties"}``
=========================================  ==========================================================================

Calls are named ``create read update archive list search merge gdpr-delete batch/{read,create,update,upsert,archive}``,
``properties/..``, ``groups/..``, ``limits/..``, ``account-info/..`` and ``access-token-info`` (routing.py).
"""

from devkit.hubspot.front_door import FrontDoor, Reply, Request
from devkit.hubspot.options import PortalOptions
from devkit.hubspot.simulator import HubSpotSimulator

__all__ = ["FrontDoor", "HubSpotSimulator", "PortalOptions", "Reply", "Request"]
