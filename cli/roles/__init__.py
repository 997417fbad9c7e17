"""The roles: what each process of friendstream runs. One file per role, with `run(settings) -> exit code`."""

from typing import Literal

RoleName = Literal["broker", "ingress", "fold", "hubspot", "line"]
