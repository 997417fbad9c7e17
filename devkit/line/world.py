"""The world: everything that exists in simulated LINE, looked up by the names people and programs use."""

from collections.abc import Iterator

from devkit.line.identifiers import Identifiers
from devkit.line.model import Account, Friendship, Group, Media, Person, ReplyToken
from devkit.line.signature import Json


class UnknownReferenceError(LookupError):
    """A story names an account, a person or a group that was never added."""


class World:
    """Accounts, people, friendships, groups, media and reply tokens of one simulator."""

    def __init__(self, seed: int = 0) -> None:
        self.ids = Identifiers(seed)
        self.accounts: dict[str, Account] = {}
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self.media: dict[tuple[str, str], Media] = {}
        self.reply_tokens: dict[str, ReplyToken] = {}
        self._friendships: dict[tuple[str, str], Friendship] = {}
        self._by_user_id: dict[str, tuple[str, Person]] = {}

    def account(self, reference: Account | str) -> Account:
        """Return an account by itself, its channel id or its bot user id; raises UnknownReferenceError."""
        if isinstance(reference, Account):
            return reference
        found = self.accounts.get(reference)
        if found is None:
            found = next((a for a in self.accounts.values() if a.bot_user_id == reference), None)
        if found is None:
            raise UnknownReferenceError(f"no account {reference!r}: add it first, then name it by channel id")
        return found

    def person(self, reference: Person | str) -> Person:
        """Return a person by itself, its key or any of its user ids; raises UnknownReferenceError."""
        if isinstance(reference, Person):
            return reference
        if reference in self.people:
            return self.people[reference]
        if reference in self._by_user_id:
            return self._by_user_id[reference][1]
        raise UnknownReferenceError(f"no user {reference!r}: add it first, then name it by key or user id")

    def group(self, reference: Group | str) -> Group:
        """Return a group by itself or its id; raises UnknownReferenceError."""
        if isinstance(reference, Group):
            return reference
        if reference not in self.groups:
            raise UnknownReferenceError(f"no group {reference!r}: add it first, then name it by its id")
        return self.groups[reference]

    def user_id(self, account: Account, person: Person) -> str:
        """Return the id by which an account knows a person: one per provider."""
        user_id = self.ids.user_id(account.provider, person.key)
        self._by_user_id.setdefault(user_id, (account.provider, person))
        return user_id

    def known(self, account: Account, user_id: str) -> Person | None:
        """Return the person behind a user id at the account's provider, or None: unknown, or of another provider."""
        provider, person = self._by_user_id.get(user_id, ("", None))
        return person if provider == account.provider else None

    def friendship(self, account: Account, person: Person) -> Friendship:
        """Return what lies between an account and a person."""
        return self._friendships.setdefault((account.channel_id, person.key), Friendship())

    def friends(self, account: Account) -> Iterator[Person]:
        """Return who is a friend now, in the order in which they were added; blockers and the unconsenting left out."""
        for person in self.people.values():
            friendship = self._friendships.get((account.channel_id, person.key))
            if friendship and friendship.friend and not friendship.blocked and person.consented:
                yield person

    def profile(self, account: Account, user_id: str) -> Json | None:
        """Return the profile body, or None for the 404 of facts/line.md 11."""
        person = self.known(account, user_id)
        if person is None or not person.consented or not self.friendship(account, person).readable():
            return None
        optional = {
            "pictureUrl": person.picture_url,
            "language": person.language,
            "statusMessage": person.status_message,
        }
        given = {name: value for name, value in optional.items() if value is not None}
        return {"displayName": person.display_name, "userId": user_id, **given}
