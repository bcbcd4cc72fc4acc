from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.jobs.evaluation import synthetic
from earshot.jobs.evaluation.synthetic import SuiteSizes
from earshot.jobs.suite import run_suite, suite_tasks
from toy_embedder import TONES, ToyEmbedder, write_tones

TASKS = ["zero-shot", "retrieval", "order twins", "attribute twins", "zste"]


class Loudness(ToyEmbedder):
    """Hears four seconds at once, and of them how loud each of ten parts is; reads lengths."""

    window_s, hop_s = 4.0, 4.0

    def embed_waveforms(self, waveforms: list[np.ndarray]) -> np.ndarray:
        parts = [np.array_split(each, 10) for each in waveforms]
        rows = np.array([[np.abs(part).mean() + 1e-3 for part in each] for each in parts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def embed_texts(self, texts: list[str]) -> np.ndarray:
        rows = np.array([np.bincount([ord(c) % 10 for c in text], minlength=10) for text in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_every_task_is_done_and_the_seed_decides_all() -> None:
    found = run_suite(Loudness(), quick=True, seed=3)
    assert list(found) == TASKS
    assert [each.n for each in found.values()] == [131, 100, 50, 50, 48 + 3 * 50]
    assert all(low <= high for each in found.values() for low, high in each.intervals.values())
    again = run_suite(Loudness(), quick=True, seed=3)
    assert {name: each.metrics for name, each in again.items()} == {
        name: each.metrics for name, each in found.items()
    }


def test_clips_are_the_seed_s_and_far_from_those_of_training() -> None:
    sizes = SuiteSizes(per_kind=1, n_scenes=2, n_twins=2, n_pairs=2, per_event=1)

    def first(seed: int) -> np.ndarray:
        return synthetic.scenes(sizes, 2.0, seed)[0].read().waveform

    assert np.array_equal(first(0), first(0))
    assert not np.array_equal(first(0), first(1))
    twins = list(synthetic.order_twins(sizes, 2.0, 0))
    assert len(twins) == 2
    assert all(one.captions[0] != one.captions[1] for one in twins)


def test_own_data_gets_what_its_clips_allow(tmp_path: Path) -> None:
    write_tones(tmp_path, {f"{word}.wav": (word,) for word in TONES})
    rows = [{"path": f"{word}.wav", "label": word, "caption": f"a {word}"} for word in TONES]
    labelled, captioned = tmp_path / "labelled.jsonl", tmp_path / "captioned.jsonl"
    labelled.write_text("".join(json.dumps(row | {"caption": None}) + "\n" for row in rows))
    captioned.write_text("".join(json.dumps(row | {"label": None}) + "\n" for row in rows))
    found = run_suite(ToyEmbedder(), [labelled, captioned], quick=True)
    assert list(found) == [
        "zero-shot on labelled",
        "zste on labelled",
        "retrieval on captioned",
    ]
    assert found["zero-shot on labelled"].metrics["accuracy"] == 1.0
    assert found["retrieval on captioned"].metrics["text_to_audio/R@1"] == 1.0


def test_a_model_of_a_short_window_is_refused_composed_clips() -> None:
    with pytest.raises(EarShotError, match="the model's window, 1 s"):
        next(suite_tasks(ToyEmbedder(), quick=True))
    with pytest.raises(EarShotError, match="composed clips of 9 s"):
        next(suite_tasks(Loudness(), quick=True, clip_s=9.0))


def test_data_without_labels_and_captions_are_refused(tmp_path: Path) -> None:
    write_tones(tmp_path, {"dog.wav": ("dog",)})
    table = tmp_path / "clips.csv"
    table.write_text("path\ndog.wav\n")
    with pytest.raises(EarShotError, match="no clip has labels"):
        list(suite_tasks(ToyEmbedder(), [table]))
