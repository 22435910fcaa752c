"""A local HTTP server that is out of order for its first two requests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FlakyShop(ThreadingHTTPServer):
    """Answers 503 to the first two requests, then with a price."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.statuses: list[int] = []  # of the answers so far

    @property
    def port(self) -> int:
        """Return the port that the system gave."""
        return self.server_address[1]

    def next_status(self) -> int:
        """Return the status of the answer that is due, and note it."""
        self.statuses.append(503 if len(self.statuses) < 2 else 200)
        return self.statuses[-1]


class _Answer(BaseHTTPRequestHandler):
    server: FlakyShop

    def do_GET(self) -> None:
        """Answer any path alike."""
        body = b"2.5"
        self.send_response(self.server.next_status())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing: the example prints what matters."""


@contextmanager
def running_shop() -> Iterator[FlakyShop]:
    """Serve in a thread for as long as the ``with`` statement lasts."""
    with FlakyShop() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
