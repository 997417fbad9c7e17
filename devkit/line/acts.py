"""What people do, and the webhook event each act causes. Nothing is sent here, and time is passed in."""

from collections.abc import Callable

from devkit.line import events
from devkit.line.contents import CONTENTS, MEDIA_TYPES, given
from devkit.line.model import Account, Friendship, Group, Media, Person, ReplyToken
from devkit.line.signature import Json
from devkit.line.world import World


class Acts:
    """Every act of a person towards an account; returns the event, or None when LINE sends nothing."""

    def __init__(self, world: World) -> None:
        self._world = world

    def follow(self, account: Account, person: Person, at: int) -> Json | None:
        """Add the account as a friend, or unblock it; a friend who adds it again causes no event."""
        friendship = self._world.friendship(account, person)
        if friendship.friend and not friendship.blocked:
            return None
        unblocked = friendship.blocked
        friendship.friend, friendship.blocked = True, False
        return self._one_to_one(account, person, at, "follow", {"follow": {"isUnblocked": unblocked}})

    def unfollow(self, account: Account, person: Person, at: int) -> Json:
        """Block the account. A blocker who does it again causes another event: stories need it."""
        self._world.friendship(account, person).blocked = True
        return self._one_to_one(account, person, at, "unfollow", {})

    def message(self, account: Account, person: Person, at: int, kind: str = "text", **fields: object) -> Json:
        """Write to the account: text, sticker, image, video, audio, file or location; no friendship is needed."""
        friendship = self._world.friendship(account, person)
        moment = friendship.next_at(at)
        friendship.wrote_at = moment
        source = events.user(self._visible_id(account, person))
        built = events.message(self._world.ids, source, moment, kind, fields, mode=account.mode)
        return self._remember(account, built, self._world.user_id(account, person))

    def unsend(self, account: Account, person: Person, at: int, message_id: str) -> Json:
        """Take a message back; its content is gone."""
        media = self._world.media.get((account.channel_id, message_id))
        if media is not None:
            media.gone = True
        return self._one_to_one(account, person, at, "unsend", {"unsend": {"messageId": message_id}})

    def postback(self, account: Account, person: Person, at: int, data: str, params: Json | None = None) -> Json:
        """Press a button of ours."""
        return self._one_to_one(account, person, at, "postback", {"postback": {"data": data, **given(params=params)}})

    def video_play_complete(self, account: Account, person: Person, at: int, tracking_id: str = "track") -> Json:
        """Watch a video of ours to its end."""
        fields = {"videoPlayComplete": {"trackingId": tracking_id}}
        return self._one_to_one(account, person, at, "videoPlayComplete", fields)

    def beacon(self, account: Account, person: Person, at: int, hwid: str = "d41d8cd98f", kind: str = "enter") -> Json:
        """Come near a beacon."""
        return self._one_to_one(account, person, at, "beacon", {"beacon": {"hwid": hwid, "type": kind}})

    def account_link(self, account: Account, person: Person, at: int, nonce: str = "nonce", result: str = "ok") -> Json:
        """Link a LINE account; a failed link names no user and has no reply token."""
        link = {"result": result, "nonce": nonce}
        if result == "ok":
            return self._one_to_one(account, person, at, "accountLink", {"link": link})
        return events.event(self._world.ids, "accountLink", None, at, {"link": link}, mode=account.mode, reply=False)

    def membership(
        self, account: Account, person: Person, at: int, kind: str = "joined", membership_id: int = 1
    ) -> Json | None:
        """Join, leave or renew a membership; not sent without the person's consent."""
        if not person.consented:
            return None
        fields = {"type": kind, "membershipId": membership_id}
        return self._one_to_one(account, person, at, "membership", {"membership": fields})

    def group_message(
        self, account: Account, person: Person, at: int, group: Group | str, kind: str = "text", **fields: object
    ) -> Json:
        """Write in a group or room where the account is."""
        place = self._world.group(group)
        place.joined.add(account.channel_id)
        source = events.group(place.group_id, self._visible_id(account, person))
        built = events.message(self._world.ids, source, at, kind, fields, mode=account.mode)
        return self._remember(account, built, place.group_id)

    def join(self, account: Account, at: int, group: Group | str) -> Json:
        """Invite the account into a group or room."""
        place = self._world.group(group)
        place.joined.add(account.channel_id)
        built = events.event(self._world.ids, "join", events.group(place.group_id), at, {}, mode=account.mode)
        return self._remember(account, built, place.group_id)

    def leave(self, account: Account, at: int, group: Group | str) -> Json:
        """Remove the account from a group or room."""
        place = self._world.group(group)
        place.joined.discard(account.channel_id)
        return events.event(self._world.ids, "leave", events.group(place.group_id), at, {}, mode=account.mode)

    def member_joined(self, account: Account, person: Person, at: int, group: Group | str) -> Json:
        """Join a group where the account is."""
        place = self._world.group(group)
        members = {"members": [events.user(self._world.user_id(account, person))]}
        source = events.group(place.group_id)
        built = events.event(self._world.ids, "memberJoined", source, at, {"joined": members}, mode=account.mode)
        return self._remember(account, built, place.group_id)

    def member_left(self, account: Account, person: Person, at: int, group: Group | str) -> Json:
        """Leave a group where the account is."""
        source = events.group(self._world.group(group).group_id)
        members = {"members": [events.user(self._world.user_id(account, person))]}
        return events.event(self._world.ids, "memberLeft", source, at, {"left": members}, mode=account.mode)

    def _visible_id(self, account: Account, person: Person) -> str | None:
        return self._world.user_id(account, person) if person.consented else None

    def _one_to_one(self, account: Account, person: Person, at: int, kind: str, fields: Json) -> Json:
        friendship: Friendship = self._world.friendship(account, person)
        source = events.user(self._visible_id(account, person))
        moment = friendship.next_at(at)
        built = events.event(self._world.ids, kind, source, moment, fields, mode=account.mode)
        return self._remember(account, built, self._world.user_id(account, person))

    def _remember(self, account: Account, built: Json, to: str) -> Json:
        at = built["timestamp"]
        if "replyToken" in built:
            self._world.reply_tokens[built["replyToken"]] = ReplyToken(account.channel_id, to, at, at)
        content = built.get("message", {})
        if content.get("type") in MEDIA_TYPES and content.get("contentProvider", {}).get("type") != "external":
            sample = f"{content['type']} {content['id']}".encode()
            media = Media(MEDIA_TYPES[content["type"]], sample, at)
            self._world.media[(account.channel_id, content["id"])] = media
        return built


def act_of(acts: Acts, name: str) -> Callable[..., Json | None]:
    """Return an act by the name a story uses: a method's name, or a message kind such as `sticker`; raises KeyError."""
    if name in CONTENTS:
        return lambda account, person, at, **fields: acts.message(account, person, at, name, **fields)
    if name == "block":
        return acts.unfollow
    if name not in ACTS:
        raise KeyError(f"no act {name!r}; there are {', '.join(sorted({*ACTS, *CONTENTS, 'block'}))}")
    found: Callable[..., Json | None] = getattr(acts, name)
    return found


ACTS = frozenset(name for name in vars(Acts) if not name.startswith("_"))
WITHOUT_PERSON = frozenset({"join", "leave"})
