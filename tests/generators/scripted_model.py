"""A scripted model: a real HTTP server on loopback that speaks both dialects and can misbehave.

As a program it replays a recorded session: ``python tests/generators/scripted_model.py --replay session.jsonl``. Each
line of the file is an object with ``function``, ``request`` (its messages) and ``answer``.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

Json = dict[str, Any]
Behaviour = Callable[["Exchange"], None]


class Exchange(BaseHTTPRequestHandler):
    """One connection; what happens to a request is up to the server's script."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # what is written at once is sent at once
    server: Server
    body: Json

    def do_POST(self) -> None:
        self.body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        behave = self.server.model.take(self)
        self.close_connection = True
        with suppress(OSError):  # the client may have gone
            behave(self)

    def log_message(self, *_: object) -> None:
        pass

    @property
    def is_anthropic(self) -> bool:
        return self.path.endswith("/messages")

    @property
    def is_structured(self) -> bool:
        return "response_format" in self.body or "tools" in self.body

    def send(self, status: int, text: str, kind: str = "application/json", **headers: str) -> None:
        raw = text.encode()
        self.send_response(status)
        fields = {"content-type": kind, "content-length": str(len(raw)), "connection": "close"} | headers
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(raw)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()

    def event(self, data: Json) -> None:
        self.wfile.write(b"data: " + json.dumps(data).encode() + b"\n\n")
        self.wfile.flush()

    def text(self, text: str) -> None:
        """Send a piece of an answer as the dialect has it."""
        if self.is_anthropic:
            kind = "partial_json" if "tools" in self.body else "text"
            self.event({"type": "content_block_delta", "delta": {"type": f"{kind}_delta", kind: text}})
        else:
            self.event({"choices": [{"delta": {"content": text}}], "model": "scripted"})

    def end(self) -> None:
        if self.is_anthropic:
            self.event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}})
            self.event({"type": "message_stop"})
        else:
            self.event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
            self.event({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 20}})
            self.wfile.write(b"data: [DONE]\n\n")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    model: ScriptedModel

    def handle_error(self, *_: object) -> None:
        pass


def answer(code: str, *, delay: float = 0.0) -> Behaviour:
    """Answer well: in the structure that was asked for, in three pieces."""

    def behave(exchange: Exchange) -> None:
        time.sleep(delay)
        said(json.dumps({"code": code}) if exchange.is_structured else f"```python\n{code}```\n")(exchange)

    return behave


def said(text: str) -> Behaviour:
    """Answer with a text as it is."""

    def behave(exchange: Exchange) -> None:
        exchange.begin_stream()
        if exchange.is_anthropic:
            exchange.event({"type": "message_start", "message": {"model": "scripted", "usage": {"input_tokens": 10}}})
        third = len(text) // 3 + 1
        for start in range(0, len(text), third):
            exchange.text(text[start : start + third])
        exchange.end()

    return behave


def at_once(code: str) -> Behaviour:
    """Answer in one body, though a stream was asked for."""

    def behave(exchange: Exchange) -> None:
        text = json.dumps({"code": code})
        if exchange.is_anthropic:
            content = [{"type": "text", "text": text}]
            whole: Json = {"type": "message", "content": content, "usage": {"input_tokens": 10}}
        else:
            whole = {"choices": [{"message": {"content": text}}], "usage": {"prompt_tokens": 10}}
        exchange.send(200, json.dumps(whole))

    return behave


def sent(*blocks: bytes, kind: str = "text/event-stream", **headers: str) -> Behaviour:
    """Answer with these bytes, each block in a packet of its own."""

    def behave(exchange: Exchange) -> None:
        exchange.send_response(200)
        for name, value in {"content-type": kind, "connection": "close", **headers}.items():
            exchange.send_header(name.replace("_", "-"), value)
        exchange.end_headers()
        for block in blocks:
            exchange.wfile.write(block)
            exchange.wfile.flush()

    return behave


def refusing(error: object, code: int, names: str, otherwise: Behaviour) -> Behaviour:
    """Refuse with an error while a field of the request is there, as ``stream_options``."""

    def behave(exchange: Exchange) -> None:
        if exchange.body.get(names):
            exchange.send(code, json.dumps(error))
        else:
            otherwise(exchange)

    return behave


def status(code: int, message: str = "no", **headers: str) -> Behaviour:
    """Answer with an error."""
    return lambda exchange: exchange.send(code, json.dumps({"error": {"message": message}}), **headers)


def plain(text: str, kind: str = "text/html") -> Behaviour:
    """Answer with status 200 and something else than was asked for."""
    return lambda exchange: exchange.send(200, text, kind)


def hang(exchange: Exchange) -> None:
    """Answer nothing until the server ends."""
    exchange.server.model.ended.wait(30)


def drip(exchange: Exchange) -> None:
    """Send a character now and then."""
    exchange.begin_stream()
    while not exchange.server.model.ended.wait(0.05):
        exchange.text("x")


def endless(exchange: Exchange) -> None:
    """Send without end."""
    exchange.begin_stream()
    while not exchange.server.model.ended.is_set():
        exchange.text("x = 1\n" * 500)


def cut(exchange: Exchange) -> None:
    """Break the connection in the middle of an answer."""
    exchange.send_response(200)
    exchange.send_header("content-type", "application/json")
    exchange.send_header("content-length", "5000")
    exchange.end_headers()
    exchange.wfile.write(b'{"choices": [')
    exchange.wfile.flush()
    exchange.connection.shutdown(socket.SHUT_RDWR)


def without_structure(code: str) -> Behaviour:
    """Refuse every kind of structured output, and answer well without one."""

    def behave(exchange: Exchange) -> None:
        if exchange.is_structured:
            status(400, "response_format is not supported")(exchange)
        else:
            answer(code)(exchange)

    return behave


class ScriptedModel:
    """The server; what it was asked is in ``requests``, each with its path, headers and body."""

    def __init__(self, *script: Behaviour, port: int = 0) -> None:
        self._script = list(script)
        self._lock = threading.Lock()
        self.requests: list[tuple[str, dict[str, str], Json]] = []
        self.ended = threading.Event()
        self._server = Server(("127.0.0.1", port), Exchange)
        self._server.model = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def script(self, *script: Behaviour) -> None:
        """Behave like this from now on; the last behaviour stays."""
        self._script = list(script)

    def take(self, exchange: Exchange) -> Behaviour:
        with self._lock:
            self.requests.append((exchange.path, dict(exchange.headers.items()), exchange.body))
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    def serve(self) -> None:
        self._server.serve_forever(0.01)

    def __enter__(self) -> ScriptedModel:
        self._thread = threading.Thread(target=self.serve)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def prompt_of(body: Json) -> str:
    """Return the first message of a request."""
    content = body["messages"][0]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def asked_for(body: Json) -> str:
    """Return the name of the function that a prompt asks for."""
    found = re.search(r"^The function is `(\w+)`", prompt_of(body), re.MULTILINE)
    return found[1] if found else ""


class Session:
    """A recorded session: what was asked, as the messages of each request, and what was answered.

    A request is answered by the next line for the function that it asks for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines()
        self._exchanges: list[Json] = [json.loads(line) for line in lines if line.strip()]
        self._left = list(self._exchanges)

    def replay(self, exchange: Exchange) -> None:
        """Answer, and print what is asked, told and answered."""
        name, messages = asked_for(exchange.body), exchange.body["messages"]
        _tell(f"asked for {name}: {len(prompt_of(exchange.body)):,} characters")
        for line in messages[-1]["content"].splitlines() if len(messages) > 1 else ():
            if line.startswith("- "):
                _tell(f"told: {line[2:]}")
        found = next((one for one in self._left if one["function"] == name), None)
        if found is None:
            _tell("no further answer")
            status(404, f"the session has no further answer for {name or 'this prompt'}")(exchange)
            return
        self._left.remove(found)
        found["request"] = messages
        _tell(f"answered: {len(found['answer'].splitlines())} lines")
        code = found["answer"]
        said(json.dumps({"code": code}) if exchange.is_structured else f"```python\n{code}```\n")(exchange)

    def record(self) -> None:
        """Write down what was asked this time."""
        ordered = [{key: one[key] for key in ("function", "request", "answer")} for one in self._exchanges]
        lines = [json.dumps(exchange, ensure_ascii=False) + "\n" for exchange in ordered]
        self._path.write_text("".join(lines), encoding="utf-8")


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # a program


def main() -> None:
    parser = argparse.ArgumentParser(description="Replay a recorded session as a model on this machine.")
    parser.add_argument("--replay", type=Path, required=True)
    parser.add_argument("--record", action="store_true", help="write down what is asked, beside the answers")
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    session = Session(options.replay)
    model = ScriptedModel(session.replay, port=options.port)
    _tell(f"replaying {options.replay} at {model.url}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        model.serve()
    if options.record:
        session.record()


if __name__ == "__main__":
    main()
