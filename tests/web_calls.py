"""What tests of the server send and read."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import uvicorn
from fastapi.testclient import TestClient

from earshot.index import Store, find_index
from earshot.web.app import create_app
from earshot.web.library import Library
from earshot.web.server import LOOPBACK_NAMES, address_of, listen
from toy_embedder import RATE, tone


@contextmanager
def serving(libraries: Sequence[Library], **options) -> Iterator[TestClient]:
    """A client of an application over `libraries`, its background work running."""
    with TestClient(create_app(libraries, **options)) as client:
        yield client


@contextmanager
def running(libraries: Sequence[Library], **options) -> Iterator[str]:
    """A real server in a thread, on a free port of loopback: its address, without a slash."""
    listening = listen("127.0.0.1", 0)
    address = address_of(listening).rstrip("/")
    app = create_app(libraries, hosts=LOOPBACK_NAMES, **options)
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(60)
        listening.close()


def describe(folder: Path, name: str, *, tags: Sequence[str] = (), caption: str = "") -> None:
    """Give an indexed sound tags and a caption, as `earshot index --data` does."""
    store = Store.open(find_index(folder))
    rows = store.rows_of(name)
    assert rows is not None
    known = replace(rows.known, tags=tuple(tags), caption=caption)
    store.put([replace(rows, known=known)], replace=True)


def wav_of(*words: str, seconds: float = 1.0) -> bytes:
    """The bytes of a wav file of tones."""
    return encode(tone(*words, seconds=seconds))


def encode(waveform: np.ndarray, rate: int = RATE, format: str = "WAV", **more: str) -> bytes:
    held = io.BytesIO()
    soundfile.write(held, waveform, rate, format=format, **more)
    return held.getvalue()


def message(response) -> str:
    """The sentence of a fault: one line, no traceback, no path of this server."""
    body = response.json()
    assert set(body) == {"error"}, body
    text = body["error"]["message"]
    assert "\n" not in text
    assert "Traceback" not in text
    assert "/tmp" not in text
    return text
