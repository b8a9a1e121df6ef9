"""Identity and time of events."""

from datetime import UTC, datetime
from uuid import UUID

import uuid6


def new_event_id() -> UUID:
    """A UUID of version 7: later events sort after earlier ones of the same process."""
    return UUID(int=uuid6.uuid7().int)


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)
