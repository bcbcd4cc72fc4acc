"""The model that ships: it loads, hears what it was taught, keeps order, and fits."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from earshot.audio import read_audio
from earshot.core.checkpoint import read_checkpoint
from earshot.jobs.loading import load
from earshot.models.embedder import Embedder
from earshot.synth import SceneConfig, order_pairs, render_sound
from shared_data import shared_data

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "src/earshot/weights/earshot-small"
PHRASES = json.loads((REPOSITORY / "weights/phrases.json").read_text("utf-8"))["held_out"]
PROCEDURAL = (
    "thunder", "cat meow", "cow", "siren", "church bell", "typing", "train horn", "applause",
    "frog", "gunshot", "telephone ring", "owl", "hammering", "piano", "snoring", "car horn",
)  # fmt: skip


@cache
def small() -> Embedder:
    return load("earshot-small")


def accuracy(clips: np.ndarray, truth: list[str], names: list[str], texts: list[str]) -> float:
    """Share of clips [n, dim] whose nearest text names their own class."""
    found = (clips @ small().embed_texts(texts).T).argmax(1)
    return float(np.mean([names[i] == label for i, label in zip(found, truth, strict=True)]))


@cache
def heard(name: str, every: int) -> tuple[np.ndarray, list[str]]:
    """Every so many clips of a set: their embeddings and labels."""
    folder = shared_data(name)
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[::every]
    clips = [small().embed_audio(folder / row["path"]).mean for row in rows]
    return np.stack(clips), [row["label"] for row in rows]


def test_it_fits_in_30_mb_and_says_what_it_is() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 30e6
    checkpoint = read_checkpoint(FOLDER)
    assert checkpoint.recipe == "clap"
    assert {"estimate", "minutes", "machine"} <= checkpoint.extra.keys()
    card = (FOLDER / "README.md").read_text("utf-8")
    for word in ("CC BY 3.0", "CC BY-SA 4.0", "GPL-2", "Apache-2.0", "Limits"):
        assert word in card


@pytest.mark.parametrize(("name", "every", "floor"), [("esc10", 5, 0.95), ("instruments", 4, 0.9)])
def test_it_names_recordings_that_it_was_taught(name: str, every: int, floor: float) -> None:
    clips, truth = heard(name, every)
    names = sorted(set(truth))
    assert accuracy(clips, truth, names, names) >= floor
    phrases = [[PHRASES[label][k] for label in names] for k in range(4)]
    others = [accuracy(clips, truth, names, texts) for texts in phrases]
    assert np.mean(others) >= floor - 0.05


def test_a_gain_changes_little() -> None:
    waveform = render_sound("crow", sample_rate=32_000, seed=3)
    loud, soft = small().embed_waveforms([waveform, waveform * np.float32(0.02)])
    assert loud @ soft > 0.99


def test_it_names_procedural_sounds() -> None:
    takes = [(kind, seed) for kind in PROCEDURAL for seed in (901, 902)]
    clips = small().embed_waveforms(
        [render_sound(kind, sample_rate=32_000, seed=seed) for kind, seed in takes]
    )
    kinds = [kind for kind, _ in takes]
    assert accuracy(clips, kinds, list(PROCEDURAL), list(PROCEDURAL)) >= 0.8


def test_it_tells_which_sound_came_first() -> None:
    pairs = list(order_pairs(30, 31_337, SceneConfig(sample_rate=32_000, duration_s=5.0)))
    told = small().embed_texts([pair.caption for pair in pairs])
    turned = small().embed_texts([pair.swapped_caption for pair in pairs])
    forth = small().embed_waveforms([pair.scene.waveform for pair in pairs])
    back = small().embed_waveforms([pair.swapped_scene.waveform for pair in pairs])
    right = np.concatenate([(forth * (told - turned)).sum(1), (back * (turned - told)).sum(1)]) > 0
    assert right.mean() >= 0.75


def test_batch_mates_and_padding_change_nothing() -> None:
    rng = np.random.default_rng(0)
    clips = [(0.1 * rng.standard_normal(n)).astype(np.float32) for n in (1, 700, 32_001, 320_000)]
    together = small().embed_waveforms(clips)
    alone = np.concatenate([small().embed_waveforms([clip]) for clip in clips])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.abs(small().embed_waveforms(clips[::-1])[::-1] - together).max() < 1e-5


def test_a_file_reads_like_its_waveform(tmp_path: Path) -> None:
    from earshot.audio import write_audio

    waveform = render_sound("owl", sample_rate=32_000, seed=5)
    write_audio(tmp_path / "owl.wav", waveform, 32_000, subtype="FLOAT")
    read = read_audio(tmp_path / "owl.wav", sample_rate=32_000).waveform
    from_file = small().embed_audio(tmp_path / "owl.wav").mean
    np.testing.assert_allclose(from_file, small().embed_waveforms([read])[0], atol=1e-5)
