"""kill -9 at chosen moments: what was finished is there, and running again gives the same end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from earshot.index import Store
from earshot.jobs.indexing import index
from earshot.jobs.search import search
from earshot.synth import write_dataset
from earshot.training.run_log import read_log
from robustness.killed import kill_at, train
from toy_embedder import TONES, ToyEmbedder, write_tones

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    write_tones(tmp_path / "sounds", {f"{word}.wav": (word,) for word in TONES})
    return tmp_path / "sounds"


def test_an_index_half_made_is_made_whole(sounds: Path) -> None:
    kill_at("index_before_words", sounds)
    assert index(sounds, model=ToyEmbedder()).added == 5
    assert search("dog", sounds, model=ToyEmbedder(), k=1)[0].words == ("dog",)


def test_an_outdated_table_half_dropped_is_in_nobodys_way(sounds: Path) -> None:
    index(sounds, model=ToyEmbedder())
    kill_at("index_while_dropping", sounds)
    assert Store.open(str(sounds / ".earshot")).settings.fingerprint == "ab" * 8
    model = ToyEmbedder("ab" * 8)
    assert search("bell", sounds, model=model, k=1)[0].path.stem == "bell"
    assert index(sounds, model=model).unchanged == 5
    assert [path.name for path in (sounds / ".earshot").glob("*.lance")] == [
        f"sounds-{'ab' * 8}.lance"
    ]
    assert index(sounds, model=ToyEmbedder()).added == 5  # back to the first: made anew


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.mark.parametrize(
    ("moment", "n_lines"),
    [
        ("dataset_between_clip_and_journal", 2),
        ("dataset_inside_a_clip", 2),
        ("dataset_before_manifest", 6),
    ],
)
def test_a_data_set_goes_on_to_the_same_bytes(tmp_path: Path, moment: str, n_lines: int) -> None:
    killed = tmp_path / "killed"
    kill_at(moment, killed)
    assert len((killed / "journal.jsonl").read_text().splitlines()) == n_lines
    write_dataset(tmp_path / "whole", kind="sounds", n=6, seed=3)
    write_dataset(killed, kind="sounds", n=6, seed=3)
    assert contents(killed) == contents(tmp_path / "whole")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(folder)
    return folder


MOMENTS = [
    "training_after_a_checkpoint",
    "training_before_a_rename",
    "training_before_the_end",
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_training_resumes_to_the_same_bits(
    moment: str, uninterrupted: Path, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    kill_at(moment, killed)
    assert not (killed / "model.safetensors").exists()
    train(killed, resume=True)
    for name in ("model.safetensors", "earshot.json"):
        assert (killed / name).read_bytes() == (uninterrupted / name).read_bytes(), name
    assert not list((killed / "checkpoints").glob(".part-*"))
    steps = [row["step"] for row in read_log(killed)]
    assert steps == [row["step"] for row in read_log(uninterrupted)] == [1, 2, 3, 4, 5, 6]
    shutil.rmtree(killed)
