"""Messages an account sends: reply, push, multicast, their tokens, retry keys and quota (facts/line.md 14-16). Pure."""

import re
from dataclasses import dataclass
from typing import Literal

from devkit.line.answer import MONTHLY_LIMIT, Answer, ok, refused
from devkit.line.model import Account
from devkit.line.signature import Json
from devkit.line.validation import body_errors, invalid_body
from devkit.line.world import World

Via = Literal["reply", "push", "multicast"]

MINUTE, DAY = 60_000, 86_400_000
REPLY_WINDOW, REPLY_LIFE, WROTE_WINDOW, RETRY_WINDOW = MINUTE, 20 * MINUTE, 7 * DAY, DAY
RETRY_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
INVALID_REPLY_TOKEN = refused(400, "Invalid reply token")


@dataclass(frozen=True, slots=True)
class Sent:
    """One message object that reached one receiver; `to` is a user, group or room id."""

    channel_id: str
    to: str
    via: Via
    message_id: str
    message: Json
    at: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request taken under a retry key."""

    request_id: str
    at: int
    sent_messages: list[Json]


class Sending:
    """The sending side of every account of one world."""

    def __init__(self, world: World) -> None:
        self.sent: list[Sent] = []
        self._world = world
        self._accepted: dict[tuple[str, str], Accepted] = {}

    def reply(self, account: Account, body: Json, now: int) -> Answer:
        """Answer one event: the token works once, within a minute of receipt and twenty of the event; it is free."""
        if errors := body_errors(body):
            return invalid_body(errors)
        token = self._world.reply_tokens.get(str(body.get("replyToken")))
        if token is None or token.used or token.channel_id != account.channel_id:
            return INVALID_REPLY_TOKEN
        if now - token.received_at > REPLY_WINDOW or now - token.event_at > REPLY_LIFE:
            return INVALID_REPLY_TOKEN
        token.used = True
        reached = self._reaches(account, token.to, now)
        return ok(sentMessages=self._send(account, "reply", [token.to] if reached else [], body["messages"], now))

    def push(self, account: Account, body: Json, now: int, retry_key: str | None, request_id: str) -> Answer:
        """Send to one user or group; who blocked the account gets nothing and the answer is 200 all the same."""
        if repeated := self._repeated(account, retry_key, now):
            return repeated
        to = body.get("to")
        if not isinstance(to, str) or not re.fullmatch(r"[UCR][0-9a-f]{32}", to):
            return refused(400, "The property, 'to', in the request body is invalid (line: -, column: -)")
        if errors := body_errors(body):
            return invalid_body(errors)
        if not self._addressable(account, to):
            return refused(400, "Failed to send messages")
        reached = [to] if self._reaches(account, to, now) else []
        if self._over_limit(account, len(reached)):
            return MONTHLY_LIMIT
        sent_messages = self._send(account, "push", reached, body["messages"], now)
        self._accept(account, retry_key, Accepted(request_id, now, sent_messages))
        return ok(sentMessages=sent_messages)

    def multicast(self, account: Account, body: Json, now: int, retry_key: str | None, request_id: str) -> Answer:
        """Send to up to 500 users; an id of no user of this provider refuses the call for all."""
        if repeated := self._repeated(account, retry_key, now):
            return repeated
        to = body.get("to")
        if not isinstance(to, list) or not 1 <= len(to) <= 500:
            return refused(400, "The property, to, in the request body is invalid (line: -, column: -)")
        for index, user_id in enumerate(to):
            if self._world.known(account, str(user_id)) is None:
                return refused(400, f"The property, to[{index}], in the request body is invalid (line: -, column: -)")
        if errors := body_errors(body):
            return invalid_body(errors)
        reached = [user_id for user_id in to if self._reaches(account, user_id, now)]
        if self._over_limit(account, len(reached)):
            return MONTHLY_LIMIT
        self._send(account, "multicast", reached, body["messages"], now)
        self._accept(account, retry_key, Accepted(request_id, now, []))
        return ok()

    def quota(self, account: Account) -> Answer:
        """Answer `GET /v2/bot/message/quota`."""
        return ok(type="none") if account.monthly_limit is None else ok(type="limited", value=account.monthly_limit)

    def _addressable(self, account: Account, to: str) -> bool:
        if to.startswith("U"):
            return self._world.known(account, to) is not None
        group = self._world.groups.get(to)
        return group is not None and account.channel_id in group.joined

    def _reaches(self, account: Account, to: str, now: int) -> bool:
        person = self._world.known(account, to)
        if person is None:
            return self._addressable(account, to)
        friendship = self._world.friendship(account, person)
        wrote = friendship.wrote_at is not None and now - friendship.wrote_at <= WROTE_WINDOW
        return not friendship.blocked and (friendship.friend or wrote)

    def _over_limit(self, account: Account, receivers: int) -> bool:
        return account.monthly_limit is not None and account.used + receivers > account.monthly_limit

    def _send(self, account: Account, via: Via, reached: list[str], messages: list[Json], now: int) -> list[Json]:
        ids = self._world.ids
        named = [(message, ids.message_id()) for message in messages]
        for to in reached:
            for message, message_id in named:
                self.sent.append(Sent(account.channel_id, to, via, message_id, message, now))
        if via != "reply":
            account.used += len(reached)
        return [{"id": message_id, "quoteToken": ids.opaque(32)} for _, message_id in named]

    def _repeated(self, account: Account, retry_key: str | None, now: int) -> Answer | None:
        if retry_key is None:
            return None
        if not RETRY_KEY.fullmatch(retry_key):
            return refused(400, "The value for the 'X-Line-Retry-Key' header is invalid")
        accepted = self._accepted.get((account.channel_id, retry_key.lower()))
        if accepted is None or now - accepted.at > RETRY_WINDOW:
            return None
        more = {"sentMessages": accepted.sent_messages} if accepted.sent_messages else {}
        answer = refused(409, "The retry key is already accepted", **more)
        answer.headers["x-line-accepted-request-id"] = accepted.request_id
        return answer

    def _accept(self, account: Account, retry_key: str | None, accepted: Accepted) -> None:
        if retry_key is not None:
            self._accepted[(account.channel_id, retry_key.lower())] = accepted
