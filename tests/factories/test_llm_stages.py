"""The stages that ask a language model, against a server in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("openai", reason="needs pip install 'earshot[llm]'")

from earshot.audio import write_audio
from earshot.core.errors import EarShotError
from earshot.factories.audiosetcaps import Settings, factory
from earshot.factories.factory import run_factory
from earshot.factories.item import Item
from earshot.factories.llm_extract import LlmExtractor, as_lines
from earshot.factories.write import LlmWriter, WriteStage
from earshot.llm import LlmClient, LlmConfig
from llm.fake_server import serving
from llm.server_process import ServerProcess, server_process

SPEECH = "A woman speaks calmly in English; the words are not clear."


def clips(folder: Path, n: int) -> list[Item]:
    items = []
    for i in range(n):
        path = folder / f"{i}.wav"
        tone = 0.3 * np.sin(np.arange(8_000) * (0.05 + 0.01 * i))
        write_audio(path, tone.astype(np.float32), 16_000)
        items.append(Item(f"clip-{i}", path, labels=("Dog", f"thing {i}")))
    return items


def client_of(server: ServerProcess, cache: Path | None = None, **settings: float) -> LlmClient:
    config = {"retries": 3, "backoff_s": 0.01, "timeout_s": 20.0, **settings}
    return LlmClient(LlmConfig(server.url, "toy", **config), cache)


def test_three_turns_share_one_history(tmp_path: Path) -> None:
    (item,) = clips(tmp_path, 1)
    with server_process(tmp_path) as server:
        client = client_of(server)
        (noted,) = LlmExtractor(client).work([item])
        bodies = server.answered()
    assert noted.notes["speech"] == SPEECH
    assert set(noted.notes) == {"description", "speech", "music"}
    assert 100 <= len(as_lines(dict(noted.notes))) <= 500
    assert [len(body["messages"]) for body in bodies] == [1, 3, 5]
    sound, text = bodies[0]["messages"][0]["content"]
    assert sound["input_audio"]["format"] == "wav"
    assert "50 words" in text["text"]
    assert [m["role"] for m in bodies[2]["messages"]] == ["user", "assistant"] * 2 + ["user"]
    assert bodies[2]["messages"][3]["content"] == SPEECH
    assert (client.usage.calls, client.usage.audio_tokens) == (3, 120)


def test_notes_that_are_too_short_are_asked_for_once_more(tmp_path: Path) -> None:
    (item,) = clips(tmp_path, 1)
    with serving(lambda body: "Hum.\nHum.") as server:
        client = LlmClient(LlmConfig(server.url, "toy", retries=0), tmp_path / "cache")
        (noted,) = LlmExtractor(client).work([item])
        assert len(server.requests) == 6  # two chats of three turns, and no more
        (again,) = LlmExtractor(client).work([item])
        assert len(server.requests) == 6  # both were kept
    assert noted == again
    assert noted.notes["music"] == "Hum. Hum."  # the last run stays, on one line
    assert noted.rejected is None


@pytest.mark.parametrize("fault", ["503", "429:0.02", "malformed", "broken", "empty"])
def test_a_fault_that_passes_costs_a_retry_and_no_clip(tmp_path: Path, fault: str) -> None:
    items = clips(tmp_path, 2)
    with server_process(tmp_path, faults=[fault, fault]) as server:
        client = client_of(server, tmp_path / "cache", concurrency=2)
        written = list(WriteStage(LlmWriter(client)).work(items))
        assert all(item.rejected is None for item in written)
        assert client.usage.retries == 2
        assert len(server.answered()) == 2
    assert written[1].caption == "One can clearly hear something like Dog and thing 1 nearby."


def test_a_stall_ends_at_the_client_s_own_patience(tmp_path: Path) -> None:
    (item,) = clips(tmp_path, 1)
    with server_process(tmp_path, faults=["stall"]) as server:
        client = client_of(server, timeout_s=1.0)
        (written,) = WriteStage(LlmWriter(client)).work([item])
    assert written.caption
    assert client.usage.retries == 1


def test_a_clip_that_stays_unanswered_fails_alone_and_is_taken_again(tmp_path: Path) -> None:
    items = clips(tmp_path, 2)
    with server_process(tmp_path, faults=["500", "500", "cut", "cut"]) as server:
        client = client_of(server, tmp_path / "cache", retries=0, concurrency=1)
        stage = WriteStage(LlmWriter(client), tries=1)
        first, second = stage.work(items)
        assert first.rejected.failed
        assert first.rejected.reason == "no_answer"
        assert "HTTP 500" in first.rejected.detail
        assert second.rejected.failed
        third, fourth = stage.work(items)
        assert "cut off" in third.rejected.detail
        assert fourth.rejected.failed
        assert all(item.caption for item in stage.work(items))


def test_a_wrong_key_ends_the_run(tmp_path: Path) -> None:
    with (
        server_process(tmp_path, faults=["401"]) as server,
        pytest.raises(EarShotError, match="EARSHOT_LLM_API_KEY"),
    ):
        list(WriteStage(LlmWriter(client_of(server))).work(clips(tmp_path, 1)))


def test_what_is_sent_has_notes_and_labels_in_braces_and_no_spoken_word_asked(
    tmp_path: Path,
) -> None:
    item = Item("a", labels=("Speech", "Dog"), notes={"description": "A talk.", "events": "x; y"})
    with server_process(tmp_path) as server:
        list(LlmWriter(client_of(server)).drafts([item], 0))
        system, sent = (m["content"] for m in server.answered()[0]["messages"])
    assert "annotator" in system
    assert "{Description: A talk.}" in sent
    assert "{Speech, Dog}" in sent
    assert "x; y" not in sent
    assert sent.count("verbatim") == 1
    assert "50 words" in sent


DRIVER = """
import sys
from pathlib import Path
from earshot.factories.audiosetcaps import Settings, factory
from earshot.factories.factory import run_factory
from earshot.factories.item import Item
from earshot.llm import LlmConfig
url, folder = sys.argv[1], Path(sys.argv[2])
llm = LlmConfig(url, "toy", backoff_s=0.01, concurrency=2)
settings = Settings(listen="llm", llm=llm, llm_cache=str(folder / "cache"), tries=0)
items = [Item(f"clip-{i}", folder / f"{i}.wav", labels=("Dog", f"thing {i}")) for i in range(8)]
run_factory(factory(settings), items, folder / "out", batch_size=2)
"""


def test_a_run_killed_halfway_pays_for_nothing_twice(tmp_path: Path) -> None:
    """Killed -9 in the middle of requests; only those under way at that moment may come again."""
    clips(tmp_path, 8)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with server_process(tmp_path, faults=["503", "malformed"], delay_s=0.05) as server:
        command = [sys.executable, "-c", DRIVER, server.url, str(tmp_path)]
        with subprocess.Popen(command, env=env) as process:
            while len(server.answered()) < 12:
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        assert subprocess.run(command, env=env, check=True).returncode == 0
        bodies = Counter(repr(body["messages"]) for body in server.answered())
        again = sum(n - 1 for n in bodies.values())
        assert len(bodies) == 8 * 4  # three turns and a caption
        assert again <= 2  # as many as were under way
        before = len(server.requests())
        assert subprocess.run(command, env=env, check=True).returncode == 0
        assert len(server.requests()) == before


def test_the_whole_factory_over_a_server(tmp_path: Path) -> None:
    items = clips(tmp_path, 3)
    with server_process(tmp_path) as server:
        llm = LlmConfig(server.url, "toy", backoff_s=0.01)
        settings = Settings(listen="llm", llm=llm, llm_cache=str(tmp_path / "cache"))
        report = run_factory(factory(settings), items, tmp_path / "out")
    assert report.counts.accepted == 3
    assert report.spent["extract"].calls == 9
    assert 3 <= report.spent["gate"].calls <= 6
    assert report.spent["extract"].audio_tokens == 9 * 40
