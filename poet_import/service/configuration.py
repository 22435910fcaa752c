"""What the service is told when it starts; `poet serve` has an option and a variable for each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address

from poet_import.settings import Settings


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """The settings of one service.

    Attributes:
        settings: Those of the core: generator, templates, cache and data directories.
        host: The address to listen on.
        keys_file: The file of API keys; None where nobody has made one.
        keys_text: API keys as the JSON text of such a file, from the environment; they hold beside the file's.
        rate: Requests a minute for a key that has no rate of its own, and for each address where there are no keys.
        most_bytes: The longest body.
        seconds: How long a request may take, its time in the queue included.
        body_seconds: How long a request's head, and then its body, may take to arrive.
        workers: Processes that transpile.
        worker_memory: Bytes of data that each of them may have.
        most_waiting: Requests that may wait for a process; more are turned away.
        redis_url: Where replicas find each other; None for one that is alone.
        drain_seconds: How long new requests are still served once the service is told to end.
        tracing: Whether spans are sent to a collector; the variables of OpenTelemetry say to which.
    """

    settings: Settings
    host: str = "127.0.0.1"
    keys_file: str | None = None
    keys_text: str | None = None
    rate: int = 100
    most_bytes: int = 1_000_000
    seconds: float = 10.0
    body_seconds: float = 10.0
    workers: int = os.cpu_count() or 1
    worker_memory: int = 768 * 2**20
    most_waiting: int = 64
    drain_seconds: float = 5.0
    redis_url: str | None = None
    tracing: bool = False

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
