"""`earshot serve` as a process: its address, its answers, its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earshot.cli import serve as command
from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.jobs.indexing import index
from earshot.web.server import address_of, is_loopback, listen
from toy_embedder import ToyEmbedder, write_tones

TESTS = Path(__file__).parents[1]
PROGRAM = """
import sys
import earshot.web.opening
from toy_embedder import ToyEmbedder
earshot.web.opening.as_embedder = lambda model, **_: ToyEmbedder()
from earshot.cli.main import main
main()
"""

BARE = """
from earshot.web.server import address_of, listen, serve

async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})

listening = listen("127.0.0.1", 0)
print(address_of(listening), flush=True)
serve(app, listening)
print("left")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tones(tmp_path / "sounds", {"dog.wav": ("dog",), "car.aiff": ("car",)})
    index(tmp_path / "sounds", model=ToyEmbedder())
    return tmp_path / "sounds"


def start(*words: str, scratch: Path) -> subprocess.Popen[str]:
    """A Python process that has this package and the tests' modules."""
    scratch.mkdir()
    paths = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
    return subprocess.Popen(
        [sys.executable, "-c", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "TMPDIR": str(scratch)},
    )


def test_it_says_where_serves_and_leaves_cleanly(folder: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "tmp"
    process = start(PROGRAM, "serve", str(folder), "--port", "0", scratch=scratch)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{address}v1/health", timeout=120) as answer:
            assert json.load(answer)["n_sounds"] == 2
        body = json.dumps({"text": "a car"}).encode()
        request = urllib.request.Request(
            f"{address}v1/search", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            hit = json.load(answer)["hits"][0]
        assert hit["path"] == "car.aiff"
        urllib.request.urlopen(f"{address}v1/sounds/{hit['id']}/audio", timeout=120).close()
        assert list(scratch.glob("earshot-serve-*"))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "2 sounds" in errors
    assert list(scratch.glob("earshot-serve-*")) == []


def test_an_interrupt_from_the_keyboard_is_no_fault(tmp_path: Path) -> None:
    process = start(BARE, scratch=tmp_path / "tmp")
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with urllib.request.urlopen(address, timeout=120) as answer:
            assert answer.read() == b"here"
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert (process.returncode, said, errors) == (0, "left\n", "")


def fault_of(*words: str) -> str:
    """The sentence that the command ends with."""
    result = CliRunner().invoke(app, ["serve", *words])
    assert isinstance(result.exception, EarShotError), result.output
    return str(result.exception)


def test_mistakes_are_sentences(folder: Path, tmp_path: Path) -> None:
    assert "not a folder" in fault_of(str(tmp_path / "nowhere"))
    empty = tmp_path / "empty"
    empty.mkdir()
    assert f"earshot index {empty}" in fault_of(str(empty))
    assert "max_upload_mb" in fault_of(str(folder), "--max-upload-mb", "0")


def test_without_the_extra_it_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "NEEDED", ("fastapi", "no_such_package"))
    fault = fault_of(str(folder))
    assert "got no no-such-package" in fault
    assert 'pip install "earshot[web]"' in fault


def test_a_port_that_is_taken_is_told() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert address_of(taken) == f"http://127.0.0.1:{port}/"
        with pytest.raises(EarShotError, match="--port 0"):
            listen("127.0.0.1", port)
    with pytest.raises(EarShotError, match="one cannot listen"):
        listen("no.such.host.invalid", 0)


def test_what_only_this_machine_reaches() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost", "127.1.2.3")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "example.org")))
