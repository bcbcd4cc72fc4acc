"""An OpenAI-compatible server in a process of its own: it stalls, fails and babbles by a script.

    with server_process(tmp_path, faults=["503", "429:0.01", "stall", "cut"]) as server:
        ... server.url ...; server.answered() are the requests it gave a whole answer to

Each fault is spent on one request, in the order in which requests come; then all are answered. A
"stall" waits longer than any client; "cut" is an answer that ran out of tokens; "malformed" is no
JSON, "broken" a body that ends early, "empty" an empty answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

STALL_S = 30.0


@dataclass(frozen=True)
class ServerProcess:
    """A server that listens at `url` and writes every request that it answered to a file."""

    url: str
    log: Path
    pid: int

    def requests(self) -> list[dict[str, Any]]:
        """All requests so far: {"fault": what was done to it, "body": ...}."""
        lines = self.log.read_text("utf-8").splitlines() if self.log.is_file() else []
        return [json.loads(line) for line in lines]

    def answered(self) -> list[dict[str, Any]]:
        """The bodies of those with a whole answer: what was paid for."""
        return [each["body"] for each in self.requests() if each["fault"] == ""]


@contextmanager
def server_process(
    folder: Path, *, faults: Sequence[str] = (), delay_s: float = 0.0
) -> Iterator[ServerProcess]:
    """The server while the block runs."""
    log, port = folder / "requests.jsonl", folder / "port"
    port.unlink(missing_ok=True)
    command = [sys.executable, __file__, str(log), str(port), ",".join(faults), str(delay_s)]
    with subprocess.Popen(command) as process:
        try:
            while not port.is_file() or not port.read_text().endswith("\n"):
                if process.poll() is not None:
                    raise RuntimeError("the server ended before it listened")
                time.sleep(0.02)
            yield ServerProcess(f"http://127.0.0.1:{port.read_text().strip()}/v1", log, process.pid)
        finally:
            process.kill()


def reply(body: dict[str, Any]) -> str:
    """What a good model says to the prompts of the factory, as far as tests need it."""
    last = body["messages"][-1]["content"]
    text = last if isinstance(last, str) else last[-1]["text"]
    n_turns = sum(message["role"] == "user" for message in body["messages"])
    if "Caption, at most" in text:
        labels = text.partition("True labels of the clip: {")[2].partition("}")[0]
        return f"One can clearly hear something like {labels.replace(',', ' and')} nearby."
    if n_turns == 1:
        return "A dog barks three times in a quiet yard, then a heavy gate falls shut with a bang."
    if n_turns == 2:
        return "A woman speaks calmly in English; the words are not clear."
    return "There is no music."


def serve(log: Path, port: Path, faults: list[str], delay_s: float) -> None:
    """Listen on a free port, which is written to a file, until killed."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *said: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                fault = faults.pop(0) if faults else ""
            time.sleep(delay_s)
            with lock, log.open("a", encoding="utf-8") as file:  # before the answer is out
                file.write(json.dumps({"fault": fault, "body": body}) + "\n")
            self.answer(fault, body)

        def answer(self, fault: str, body: dict[str, Any]) -> None:
            kind, _, more = fault.partition(":")
            if kind == "stall":
                time.sleep(STALL_S)
            if kind.isdigit():
                headers = {"retry-after": more} if more else {}
                self.send(int(kind), json.dumps({"error": {"message": "not now"}}), headers)
                return
            if kind == "malformed":
                self.send(200, "<html>no JSON</html>", {})
                return
            content = {"empty": "", "cut": "half of an"}.get(kind, reply(body))
            choice = {
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": "length" if kind == "cut" else "stop",
            }
            said = json.dumps(
                {
                    "id": "1", "object": "chat.completion", "created": 0, "model": body["model"],
                    "choices": [choice],
                    "usage": {"prompt_tokens": 70, "completion_tokens": 12, "total_tokens": 82,
                              "prompt_tokens_details": {"audio_tokens": 40}},
                }
            )  # fmt: skip
            self.send(200, said, {}, early=kind == "broken")

        def send(
            self, status: int, text: str, headers: dict[str, str], early: bool = False
        ) -> None:
            sent = text.encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            with suppress(OSError):  # whoever asked may wait no more
                self.wfile.write(sent[: len(sent) // 2] if early else sent)
            if early:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    part = port.with_suffix(".part")
    part.write_text(f"{server.server_address[1]}\n")
    part.replace(port)
    server.serve_forever()


if __name__ == "__main__":
    serve(
        Path(sys.argv[1]), Path(sys.argv[2]), [f for f in sys.argv[3].split(",") if f],
        float(sys.argv[4]),
    )  # fmt: skip
