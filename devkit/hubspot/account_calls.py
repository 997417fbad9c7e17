"""The calls about the account: details, limits, usage, and what a token may do."""

from devkit.hubspot.account import Account
from devkit.hubspot.answers import Answer, Json, not_found
from devkit.hubspot.call import Call, text_field
from devkit.hubspot.instants import iso
from devkit.hubspot.schema import CUSTOM_LIMIT

RECORD_LIMIT = 15_000_000
ACCOUNT_PROPERTY_LIMIT = 10_000


def details(account: Account, call: Call) -> Answer:
    """GET /account-info/v3/details."""
    options, offset = account.options, account.quota.utc_offset(call.now)
    hours, minutes = divmod(abs(offset) // 60_000, 60)
    body = {
        "portalId": options.portal_id,
        "accountType": options.account_type,
        "timeZone": options.time_zone,
        "companyCurrency": options.currency,
        "additionalCurrencies": [],
        "utcOffset": f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}",
        "utcOffsetMilliseconds": offset,
        "uiDomain": options.ui_domain,
        "dataHostingLocation": "na1",
    }
    return Answer(200, body)


def daily_usage(account: Account, call: Call) -> Answer:
    """GET /account-info/v3/api-usage/daily/private-apps."""
    usage = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": account.options.daily_limit,
        "currentUsage": account.quota.calls_today,
        "collectedAt": iso(call.now),
        "fetchStatus": "SUCCESS",
        "resetsAt": iso(account.quota.resets_at(call.now)),
    }
    return Answer(200, {"results": [usage]})


def custom_property_limits(account: Account, call: Call) -> Answer:
    """GET /crm/v3/limits/custom-properties."""
    usage = len(account.portal.schema.custom())
    contacts = {"objectTypeId": "0-1", **_share(CUSTOM_LIMIT, usage)}
    overall = _share(ACCOUNT_PROPERTY_LIMIT, usage)
    body = {f"overall{name.capitalize()}": value for name, value in overall.items()}
    return Answer(200, {**body, "byObjectType": [contacts]})


def record_limits(account: Account, call: Call) -> Answer:
    """GET /crm/v3/limits/records."""
    usage = sum(1 for _ in account.portal.contacts.after(0, archived=False))
    names = {"objectTypeId": "0-1", "singularLabel": "Contact", "pluralLabel": "Contacts"}
    return Answer(
        200, {"hubspotDefinedObjectTypes": [{**names, **_share(RECORD_LIMIT, usage)}], "customObjectTypes": []}
    )


def token_info(account: Account, call: Call) -> Answer:
    """POST /oauth/v2/private-apps/get/access-token-info: a private app's token says what it may do."""
    grant = account.access.grants.get(text_field(call.document(), "tokenKey"))
    if grant is None or grant.withdrawn:
        raise not_found("The access token does not exist")
    body = {
        "userId": grant.user_id,
        "hubId": account.options.portal_id,
        "appId": grant.app_id,
        "scopes": sorted(grant.scopes),
    }
    return Answer(200, body)


def _share(limit: int, usage: int) -> Json:
    return {"limit": limit, "usage": usage, "percentage": round(100 * usage / limit, 2)}
