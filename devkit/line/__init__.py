"""A simulator of LINE's Messaging API that behaves as documented. See `devkit.line.simulator` and `admin_api`."""

from devkit.line.deliveries import Attempt, Delivery
from devkit.line.faults import Fault, monthly_limit, rate_limited, same_user
from devkit.line.model import Account, DeliverySettings, Group, Person
from devkit.line.signature import Json, encode, sign
from devkit.line.simulator import LineSimulator

__all__ = [
    "Account",
    "Attempt",
    "Delivery",
    "DeliverySettings",
    "Fault",
    "Group",
    "Json",
    "LineSimulator",
    "Person",
    "encode",
    "monthly_limit",
    "rate_limited",
    "same_user",
    "sign",
]
