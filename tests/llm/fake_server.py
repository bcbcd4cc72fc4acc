"""A server on this machine that speaks as much of OpenAI's chat API as a test needs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeServer:
    """Answers every chat request by `reply`; `requests` are the bodies it was sent, in order.

    `reply(body)` gives the text of an answer, or a pair (status, headers) for a fault. `most` is
    how many requests were ever under way together.
    """

    def __init__(self, reply: Callable[[dict[str, Any]], Any], delay_s: float = 0.0) -> None:
        self.reply, self.delay_s = reply, delay_s
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.under_way = self.most = 0
        self.lock = threading.Lock()
        self.url = ""


@contextmanager
def serving(reply: Callable[[dict[str, Any]], Any], delay_s: float = 0.0) -> Iterator[FakeServer]:
    """A FakeServer that listens at `url` while the block runs."""
    fake = FakeServer(reply, delay_s)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *said: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with fake.lock:
                fake.requests.append(body)
                fake.keys.append(self.headers.get("authorization"))
                fake.under_way += 1
                fake.most = max(fake.most, fake.under_way)
            time.sleep(fake.delay_s)
            said = fake.reply(body)
            with fake.lock:
                fake.under_way -= 1
            if isinstance(said, tuple):
                message = said[2] if len(said) > 2 else "not now"
                self._send(said[0], {"error": {"message": message}}, said[1])
            else:
                self._send(200, answer(said), {})

        def _send(self, status: int, value: Any, headers: dict[str, str]) -> None:
            sent = json.dumps(value).encode()
            self.send_response(status)
            for name, text in {"content-type": "application/json", **headers}.items():
                self.send_header(name, text)
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(said: str | dict[str, Any]) -> dict[str, Any]:
    """A whole chat completion of a text, or of a choice given with its fields."""
    choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "toy",
        "choices": [{"index": 0, **(choice if isinstance(said, str) else said)}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def caption_of(body: dict[str, Any]) -> str:
    """The caption that a request for a rewrite is about: the last of its prompt."""
    text = body["messages"][0]["content"]
    return text.rpartition("Caption: ")[2].partition("\n")[0]
