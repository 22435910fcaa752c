"""What several machines know together: texts under names, each for a while. Any error of it is a miss."""

from __future__ import annotations

from typing import Protocol


class SharedStore(Protocol):
    """Keeps texts where other machines find them, and may lose any of them at any time."""

    def get(self, name: str) -> str | None:
        """Return a text, or None if it is not there."""

    def put(self, name: str, text: str, *, seconds: float) -> None:
        """Keep a text for some seconds."""

    def remove(self, name: str) -> None:
        """Forget a text."""
