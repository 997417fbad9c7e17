"""The token endpoints; they take forms and need no bearer token (facts/line.md 8)."""

from devkit.line import tokens
from devkit.line.answer import Answer
from devkit.line.call import Call
from devkit.line.platform import Platform


async def stateless(platform: Platform, call: Call) -> Answer:
    """Answer `POST /oauth2/v3/token`."""
    return tokens.issue_stateless(platform.tokens, platform.world.accounts, call.form, call.now)


async def short_lived(platform: Platform, call: Call) -> Answer:
    """Answer `POST /v2/oauth/accessToken`."""
    return tokens.issue_short_lived(platform.tokens, platform.world.accounts, call.form, call.now)


async def verify(platform: Platform, call: Call) -> Answer:
    """Answer `POST /v2/oauth/verify`."""
    return tokens.verify(platform.tokens, call.form, call.now)


async def revoke(platform: Platform, call: Call) -> Answer:
    """Answer `POST /v2/oauth/revoke`: 200 and an empty body, for an unknown token too."""
    platform.tokens.revoke(call.form.get("access_token", ""))
    return Answer(200)
