"""What a search can find: copies of contacts that become visible some time after each write."""

from collections import deque
from collections.abc import Iterable

from devkit.hubspot.contacts import Contact


class SearchIndex:
    """Eventually consistent copies of the active contacts."""

    def __init__(self) -> None:
        self._visible: dict[str, Contact] = {}
        self._pending: deque[tuple[int, str, Contact | None]] = deque()

    def note(self, record_id: str, contact: Contact | None, visible_at: int) -> None:
        """Remember a record as it is now, None once it is gone, to be shown at that instant."""
        copy = None
        if contact is not None and contact.archived_at is None:
            copy = Contact(contact.id, dict(contact.properties), contact.created_at, contact.updated_at)
        self._pending.append((visible_at, record_id, copy))

    def advance(self, now: int) -> None:
        """Show everything whose time has come."""
        while self._pending and self._pending[0][0] <= now:
            _, record_id, copy = self._pending.popleft()
            if copy is None:
                self._visible.pop(record_id, None)
            else:
                self._visible[record_id] = copy

    def visible(self) -> Iterable[Contact]:
        """Return the copies a search looks at."""
        return self._visible.values()
