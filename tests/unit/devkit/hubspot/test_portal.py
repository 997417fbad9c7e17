"""The life of a contact: deleted, restored, merged, erased, by API and by people."""

import pytest

from devkit.hubspot.answers import Refusal

CONTACTS = "/crm/v3/objects/contacts"
DAY = 86_400_000


def test_a_deleted_contact_reads_as_archived_for_90_days(desk):
    """After that it is nowhere."""
    record = desk.contact("u1@line.me")
    desk.people.delete_contact(record)
    assert desk.ask("GET", f"{CONTACTS}/{record}")[0] == 404
    assert desk.ask("PATCH", f"{CONTACTS}/{record}", {"properties": {"firstname": "x"}})[0] == 404
    desk.now += 90 * DAY - 1
    assert desk.ask("GET", f"{CONTACTS}/{record}", query="archived=true")[0] == 200
    desk.now += 1
    assert desk.ask("GET", f"{CONTACTS}/{record}", query="archived=true")[0] == 404
    with pytest.raises(Refusal):
        desk.people.restore_contact(record)


def test_the_email_of_a_deleted_contact_is_free_and_blocks_a_restore_once_taken(desk):
    """Both records can exist, but only one can be active."""
    old = desk.contact("u1@line.me")
    desk.people.delete_contact(old)
    new = desk.contact("u1@line.me")
    assert new != old
    with pytest.raises(Refusal, match=new):
        desk.people.restore_contact(old)
    desk.people.delete_contact(new)
    assert desk.people.restore_contact(old).id == old
    assert desk.ask("GET", f"{CONTACTS}/u1%40line.me", query="idProperty=email")[1]["id"] == old


def test_a_restored_contact_can_get_another_id(desk):
    """HubSpot does not say whether the id stays, so it is an option."""
    desk.account.options.restore_keeps_id = False
    record = desk.contact("u1@line.me")
    desk.people.delete_contact(record)
    restored = desk.people.restore_contact(record)
    assert restored.id != record
    assert desk.ask("GET", f"{CONTACTS}/{record}", query="archived=true")[0] == 404
    assert [one.id for one in desk.people.contacts()] == [restored.id]


@pytest.mark.parametrize("keeps", [False, True])
def test_a_merge_resolves_both_old_ids_to_the_survivor(desk, keeps):
    """The primary's values win, gaps are filled, the loser's e-mail becomes an additional one."""
    desk.account.options.merge_keeps_primary_id = keeps
    primary = desk.contact("u1@line.me", firstname="p")
    other = desk.contact("u2@line.me", firstname="o", company="c")
    status, body = desk.ask("POST", f"{CONTACTS}/merge", {"primaryObjectId": primary, "objectIdToMerge": other})
    assert status == 200
    assert (body["id"] == primary) is keeps
    for old in (primary, other):
        shown = desk.ask("GET", f"{CONTACTS}/{old}", query="properties=firstname,company,email,hs_additional_emails")[1]
        assert shown["id"] == body["id"]
        values = shown["properties"]
        assert (values["firstname"], values["company"]) == ("p", "c")
        assert (values["email"], values["hs_additional_emails"]) == ("u1@line.me", "u2@line.me")
    assert other in str(desk.value(body["id"], "hs_merged_object_ids"))
    status, body = desk.ask("POST", CONTACTS, {"properties": {"email": "U2@line.me"}})
    assert (status, body["message"]) == (409, f"Contact already exists. Existing ID: {desk.people.contacts()[0].id}")


def test_merges_chain_and_a_deleted_survivor_is_not_found_under_any_id(desk):
    """Then an update of the oldest id says OBJECT_NOT_FOUND again."""
    first, second, third = (desk.contact(f"u{n}@line.me") for n in range(3))
    middle = desk.people.merge_contacts(first, second)
    last = desk.people.merge_contacts(third, middle.id)
    assert desk.ask("GET", f"{CONTACTS}/{first}")[1]["id"] == last.id
    desk.people.delete_contact(last.id)
    status, body = desk.batch("update", [{"id": first, "properties": {}}])
    assert (status, body["errors"][0]["context"]["ids"]) == (207, [first])


def test_a_contact_cannot_be_merged_with_itself_or_with_nobody(desk):
    """Both are refused and change nothing."""
    record = desk.contact("u1@line.me")
    for other, expected in ((record, 400), ("17", 404)):
        body = {"primaryObjectId": record, "objectIdToMerge": other}
        assert desk.ask("POST", f"{CONTACTS}/merge", body)[0] == expected
    assert len(desk.people.contacts()) == 1


def test_more_than_250_identities_are_too_many(desk):
    """414, as HubSpot says."""
    record, other = desk.contact("u1@line.me"), desk.contact("u2@line.me")
    desk.account.portal.contacts.records[record].additional_emails = [f"x{n}@line.me" for n in range(249)]
    assert desk.ask("POST", f"{CONTACTS}/merge", {"primaryObjectId": record, "objectIdToMerge": other})[0] == 414


def test_a_privacy_deletion_leaves_nothing_to_read(desk):
    """It works by e-mail or id, also for a contact in the bin, and the address can be used again."""
    by_email, by_id, in_bin = (desk.contact(f"u{n}@line.me") for n in range(3))
    desk.people.delete_contact(in_bin)
    asks = ({"objectId": "U0@line.me", "idProperty": "email"}, {"objectId": by_id}, {"objectId": in_bin})
    assert [desk.ask("POST", f"{CONTACTS}/gdpr-delete", body)[0] for body in asks] == [204, 204, 204]
    for record in (by_email, by_id, in_bin):
        assert desk.ask("GET", f"{CONTACTS}/{record}", query="archived=true")[0] == 404
    assert desk.contact("u0@line.me") not in (by_email, by_id, in_bin)
    kinds = [happening.kind for happening in desk.account.portal.happenings if happening.contact == by_id]
    assert kinds == ["creation", "deletion", "privacyDeletion", "purge"]


def test_an_erased_contact_can_read_as_archived_until_the_purge_but_never_be_restored(desk):
    """HubSpot takes up to 30 days; what it shows meanwhile is unknown, so it is an option."""
    desk.account.options.privacy_purge_after = 30 * DAY
    record = desk.contact("u1@line.me")
    desk.people.erase_contact(record)
    assert desk.ask("GET", f"{CONTACTS}/{record}", query="archived=true")[0] == 200
    with pytest.raises(Refusal):
        desk.people.restore_contact(record)
    desk.now += 30 * DAY
    assert desk.ask("GET", f"{CONTACTS}/{record}", query="archived=true")[0] == 404


def test_a_privacy_deletion_of_an_unknown_email_blocks_it(desk):
    """A create says so; by option every privacy deletion blocks its addresses."""
    body = {"objectId": "nobody@line.me", "idProperty": "email"}
    assert desk.ask("POST", f"{CONTACTS}/gdpr-delete", body)[0] == 204
    desk.account.options.privacy_delete_blocks_email = True
    desk.people.erase_contact(desk.contact("u1@line.me"))
    for email in ("nobody@line.me", "u1@line.me"):
        status, answer = desk.ask("POST", CONTACTS, {"properties": {"email": email}})
        assert status == 400
        assert "GDPR blacklisted" in answer["message"]


@pytest.mark.parametrize("stays", [False, True])
def test_an_edited_email_frees_the_old_one_or_keeps_it_as_additional(desk, stays):
    """Unknown at HubSpot, so it is an option."""
    desk.account.options.edited_email_stays_additional = stays
    record = desk.contact("u1@line.me")
    desk.people.edit_contact(record, {"email": "Taro@example.com"})
    assert desk.value(record, "email") == "taro@example.com"
    assert desk.ask("POST", CONTACTS, {"properties": {"email": "u1@line.me"}})[0] == (409 if stays else 201)


def test_an_update_cannot_take_the_email_of_another_contact(desk):
    """Not even an additional one."""
    desk.people.merge_contacts(desk.contact("u1@line.me"), desk.contact("u2@line.me"))
    record = desk.contact("u3@line.me")
    assert desk.ask("PATCH", f"{CONTACTS}/{record}", {"properties": {"email": "u2@line.me"}})[0] == 409
    assert desk.value(record, "email") == "u3@line.me"


def test_additional_emails_can_be_set_at_creation_only(desk):
    """They are owned like the primary one."""
    record = desk.contact("u1@line.me", hs_additional_emails="A@line.me;b@line.me")
    assert desk.value(record, "hs_additional_emails") == "a@line.me;b@line.me"
    assert desk.ask("POST", CONTACTS, {"properties": {"email": "b@line.me"}})[0] == 409
    body = {"properties": {"hs_additional_emails": "c@line.me"}}
    status, answer = desk.ask("PATCH", f"{CONTACTS}/{record}", body)
    assert (status, answer["errors"][0]["code"]) == (400, "READ_ONLY_VALUE")


def test_lifecyclestage_only_moves_forward(desk):
    """A step back is ignored without an error; clearing is allowed."""
    record = desk.contact("u1@line.me", lifecyclestage="customer")
    for value, expected in (("lead", "customer"), ("evangelist", "evangelist"), ("", None), ("lead", "lead")):
        assert desk.ask("PATCH", f"{CONTACTS}/{record}", {"properties": {"lifecyclestage": value}})[0] == 200
        assert desk.value(record, "lifecyclestage") == expected


def test_a_single_create_needs_a_name_or_an_email(desk):
    """Other properties are not enough."""
    assert desk.ask("POST", CONTACTS, {"properties": {"company": "c"}})[0] == 400
    assert desk.ask("POST", CONTACTS, {"properties": {"lastname": "x"}})[0] == 201


def test_the_list_pages_through_active_or_archived_contacts(desk):
    """In the order of ids, at most 100 a page, while others come and go."""
    ids = [desk.contact(f"u{n}@line.me") for n in range(25)]
    desk.people.delete_contact(ids[3])
    seen, after = [], ""
    while True:
        status, body = desk.ask("GET", CONTACTS, query=f"limit=10&after={after}&properties=email&properties=company")
        assert status == 200
        seen += [one["id"] for one in body["results"]]
        if "paging" not in body:
            break
        after = body["paging"]["next"]["after"]
    assert seen == [one for one in ids if one != ids[3]]
    archived = desk.ask("GET", CONTACTS, query="archived=true")[1]["results"]
    assert [one["id"] for one in archived] == [ids[3]]
    assert desk.ask("GET", CONTACTS, query="limit=101")[0] == 400


def test_ids_only_grow_and_the_seed_decides_them(desk):
    """Two accounts of one seed are equal."""
    ids = [desk.contact(f"u{n}@line.me") for n in range(5)]
    assert [int(one) for one in ids] == sorted(map(int, ids))
    assert [type(desk)().contact("u0@line.me")] == ids[:1]
