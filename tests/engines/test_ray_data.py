"""Ray on this machine: what it embeds, what it lists, what it takes up again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from earshot.audio import Window, write_audio
from earshot.core.errors import EarShotError
from earshot.engines import FileWindows, Task, embed_each, engine_of, file_task
from earshot.jobs.embed import embed
from earshot.models.embedder import Embedder
from tiny_models import RATE, htsat_model, seeded, sounds


@dataclass(frozen=True)
class Deadly:
    """Windows that end the process which decodes them."""

    def __call__(self) -> Iterator[Window]:
        os._exit(9)
        yield


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'earshot[ray]'")
    tests = str(Path(__file__).parents[1])
    package = str(Path(__file__).parents[2] / "src")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join([package, tests])}},
    )
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(seeded(htsat_model), "tiny", runtime="torch")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for i, waveform in enumerate(sounds([RATE // 2 + 997 * i for i in range(12)])):
        write_audio(folder / f"{i:02d}.wav", waveform, RATE)
    (folder / "broken.wav").write_bytes(b"not a sound")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_ray_embeds_and_lists_what_this_process_does(
    ray: object, embedder: Embedder, folder: Path
) -> None:
    here = embed(folder, model=embedder)
    there = embed(f"file://{folder}", model=embedder, engine=engine_of("ray"))
    assert [Path(each.path).name for each in there] == [Path(each.path).name for each in here]
    assert np.abs(there.embeddings - here.embeddings).max() < 1e-5
    assert [Path(str(each.path)).name for each in there.failures] == ["broken.wav"]


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_sound_that_ends_its_worker_is_listed_and_ends_nothing_else(
    ray: object, embedder: Embedder, folder: Path
) -> None:
    fine = [file_task(path, embedder) for path in sorted(folder.glob("0*.wav"))[:4]]
    tasks = [*fine[:2], Task("deadly", Deadly()), *fine[2:]]
    done = {each.key: each for each in engine_of("ray")(tasks, embedder)}
    assert len(done) == len(tasks)
    assert done["deadly"].embedding is None
    assert "died" in done["deadly"].error
    assert all(done[task.key].embedding is not None for task in fine)


def test_a_url_is_read_as_its_file_is(embedder: Embedder, folder: Path) -> None:
    (folder / ".hidden.wav").write_bytes(b"not looked at")
    by_path = embed(folder, model=embedder)
    by_url = embed(f"file://{folder}", model=embedder)
    assert [str(each.path) for each in by_url] == [f"file://{each.path}" for each in by_path]
    assert (by_url.embeddings == by_path.embeddings).all()
    assert [str(each.path) for each in by_url.failures] == [f"file://{folder}/broken.wav"]
    one = embed(f"file://{folder}/03.wav", model=embedder)
    assert np.abs(one.embeddings[0] - by_path.embeddings[3]).max() < 1e-5


def test_a_url_of_nothing_is_a_sentence(embedder: Embedder, tmp_path: Path) -> None:
    windows = FileWindows(f"file://{tmp_path}/gone.wav", RATE, 1.0, 1.0)
    done = list(embed_each([Task(0, windows)], embedder))
    assert "no object" in done[0].error


def test_a_digest_comes_with_its_sound(embedder: Embedder, folder: Path) -> None:
    task = file_task(folder / "00.wav", embedder)
    done = list(embed_each([Task(1, task.windows, lambda: "abc")], embedder))
    assert (done[0].key, done[0].digest) == (1, "abc")


def test_engines_have_names() -> None:
    assert engine_of() is embed_each
    with pytest.raises(EarShotError, match="local"):
        engine_of("loca")
