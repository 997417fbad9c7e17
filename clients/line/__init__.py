"""LINE's door: the only importer of linebot.

Law: what comes out are our own frozen values and one typed trouble; an exception of the SDK, which quotes bodies and
headers, never leaves this package.
"""

from clients.line.answers import Answer, Bot, Delivery, Endpoint, IssuedToken, Profile, WebhookTest
from clients.line.api import LineApi
from clients.line.trouble import LineTrouble

__all__ = [
    "Answer",
    "Bot",
    "Delivery",
    "Endpoint",
    "IssuedToken",
    "LineApi",
    "LineTrouble",
    "Profile",
    "WebhookTest",
]
