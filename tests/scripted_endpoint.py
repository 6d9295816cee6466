"""An OpenAI-compatible endpoint on 127.0.0.1 that replies by a script, and fails when told to.

with ScriptedEndpoint(lambda messages: messages[-1]["content"].upper()) as endpoint:
    engine = spec.build(OpenAIOptions(url=endpoint.url, model="scripted"), Path())
    ...
assert len(endpoint.requests) == 3
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Reply = Callable[[Sequence[Mapping[str, str]]], "str | Fault"]
Likely = Callable[[Sequence[Mapping[str, str]]], Mapping[str, float]]


@dataclass(frozen=True)
class Fault:
    """What is answered in the place of a reply.

    Args:
        status: HTTP status.
        body: The whole body.
        headers: More headers, such as `Retry-After`.
        silent: Answer nothing until the endpoint is closed.
        hang_up: Close the connection without an answer.
    """

    status: int = 200
    body: str = '{"error": {"message": "as scripted"}}'
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False
    hang_up: bool = False


@dataclass(frozen=True)
class Request:
    """What the endpoint was asked: the JSON body, the headers, and when (`time.monotonic`)."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    at: float

    @property
    def messages(self) -> list[dict[str, str]]:
        return list(self.body["messages"])


class ScriptedEndpoint:
    """Serves `POST <url>/chat/completions` while its block lasts, streamed where that is asked for.

    Args:
        reply: Makes the reply of the messages (`role`, `content`), or a fault. A token is a word.
        likely: Makes the log-probabilities (nats) of first tokens of the messages; without it none are told.
        faults: Answered first, one a request.
        seconds: How long a reply takes.
    """

    def __init__(
        self,
        reply: Reply | str = "So it is.",
        *,
        likely: Likely | None = None,
        faults: Iterable[Fault] = (),
        seconds: float = 0.0,
    ) -> None:
        self.reply: Reply = reply if callable(reply) else lambda _messages: reply
        self.likely, self.seconds = likely, seconds
        self.faults = deque(faults)
        self.requests: list[Request] = []
        self.at_once = 0
        """The most requests that were being answered at one time."""
        self._open = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with suppress(ConnectionError):  # who has waited long enough hangs up
                    endpoint._answer(self, body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler, body: Mapping[str, Any]) -> None:
        with self._lock:
            self.requests.append(Request(body, dict(handler.headers), time.monotonic()))
            fault = self.faults.popleft() if self.faults else None
            self._open += 1
            self.at_once = max(self.at_once, self._open)
        try:
            if handler.path != "/v1/chat/completions":
                fault = Fault(404)
            if fault is None:
                self._closing.wait(self.seconds)
                found = self.reply(body["messages"])
                if isinstance(found, str):
                    self._send_reply(handler, body, found)
                    return
                fault = found
            if fault.silent:
                self._closing.wait()
            elif not fault.hang_up:
                self._send(handler, fault.status, "application/json", fault.body, fault.headers)
        finally:
            with self._lock:
                self._open -= 1

    def _send_reply(self, handler: BaseHTTPRequestHandler, body: Mapping[str, Any], text: str) -> None:
        if body.get("stream"):
            pieces = [{"choices": [{"index": 0, "delta": {"content": f"{word} "}}]} for word in text.split(" ")]
            lines = [f"data: {json.dumps(piece)}\n\n" for piece in pieces]
            self._send(handler, 200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]))
            return
        self._send(handler, 200, "application/json", json.dumps(self._completion(text, body)))

    def _completion(self, text: str, body: Mapping[str, Any]) -> dict[str, Any]:
        read, written = (len(said.split()) for said in (" ".join(m["content"] for m in body["messages"]), text))
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
        choice["message"] = {"role": "assistant", "content": text}
        if body.get("logprobs") and self.likely is not None:
            choice["logprobs"] = {"content": [_first_token(self.likely(body["messages"]), body.get("top_logprobs", 0))]}
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        return {"object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage}

    @staticmethod
    def _send(
        handler: BaseHTTPRequestHandler, status: int, kind: str, body: str, headers: Mapping[str, str] | None = None
    ) -> None:
        raw = body.encode()
        handler.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(raw)


def _first_token(likely: Mapping[str, float], top: int) -> dict[str, Any]:
    best = sorted(likely.items(), key=lambda entry: -entry[1])
    listed = [{"token": token, "logprob": value} for token, value in best[:top]]
    token, value = best[0] if best else ("", -math.inf)
    return {"token": token, "logprob": value, "top_logprobs": listed}
