"""Signed webhooks in any number, at any rate, in any disorder, with a report of what the receiver acknowledged."""

from devkit.traffic.report import Outcome, Report
from devkit.traffic.scenarios import LineFriends, follows, stories
from devkit.traffic.sender import Receiver, WebhookSender
from devkit.traffic.storm import Post, pack, storm

__all__ = [
    "LineFriends",
    "Outcome",
    "Post",
    "Receiver",
    "Report",
    "WebhookSender",
    "follows",
    "pack",
    "stories",
    "storm",
]
