"""What is measured on: procedural sounds, and a CLAP of default size with random weights.

All of it is made once into a cache folder: EARSHOT_BENCH, or .bench beside the sources.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

CACHE = Path(os.environ.get("EARSHOT_BENCH") or Path(__file__).parents[1] / ".bench")
RATE = 48_000  # Hz, CLAP's


def made(name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache, made whole by `make` if it is not there."""
    folder = CACHE / name
    if not folder.is_dir():
        part = CACHE / f".part-{name}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        make(part)
        part.rename(folder)
    return folder


def scenes(n: int, *, n_drawn: int = 100, seconds: float = 10.0) -> Path:
    """A folder of `n` wav files of scenes: `n_drawn` are drawn, the others are these turned."""

    def make(folder: Path) -> None:
        from earshot.audio import write_audio
        from earshot.synth import SceneConfig, make_scenes

        held: list[np.ndarray] = []
        length = round(seconds * RATE)
        for scene in make_scenes(min(n, n_drawn), seed=7, config=SceneConfig(sample_rate=RATE)):
            held.append(np.resize(scene.waveform, length))
        for i in range(n):
            turned = np.roll(held[i % len(held)], (i // len(held)) * 70_001)
            write_audio(folder / f"{i:04d}.wav", turned, RATE)

    return made(f"scenes-{n}-{seconds:g}s", make)


def short_sounds(n: int) -> Path:
    """`n` wav files of a quarter of a second at 16 kHz, a thousand to a folder, no two alike."""

    def make(folder: Path) -> None:
        import soundfile

        time_s = np.arange(4_000) / 16_000
        for i in range(n):
            place = folder / f"{i // 1_000:03d}"
            place.mkdir(exist_ok=True)
            pitch = 100 * 2 ** ((i * 0.618) % 5)
            sound = 0.5 * np.exp(-8 * time_s) * np.sin(2 * np.pi * pitch * time_s)
            sound += (i + 1) / 400_000 * np.cos(2 * np.pi * 3_000 * time_s)
            soundfile.write(place / f"{i:06d}.wav", sound.astype(np.float32), 16_000)

    return made(f"short-{n}", make)


def clap_folder(*, tiny: bool = False) -> Path:
    """A CLAP directory as `transformers` writes it: default sizes, random weights, unfused."""

    def make(folder: Path) -> None:
        import torch
        from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

        sizes = {"audio_config": {"depths": [1, 1, 1, 1]}} if tiny else {}
        text = {"vocab_size": _tokenizer(folder), "num_hidden_layers": 4}
        torch.manual_seed(0)
        ClapModel(ClapConfig(text_config=text, **sizes)).save_pretrained(folder)
        ClapFeatureExtractor(
            truncation="rand_trunc", padding="repeatpad", frequency_min=50
        ).save_pretrained(folder)

    return made("clap-tiny" if tiny else "clap", make)


def _tokenizer(folder: Path) -> int:
    """Write a byte-level tokenizer trained on a few captions; gives its size."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import RobertaTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["a dog barks while rain falls on a tin roof"], trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    RobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=77).save_pretrained(folder)
    return int(tokenizer.get_vocab_size())


def clustered(n: int, dim: int, seed: int = 0) -> np.ndarray:
    """Unit rows [n, dim] float32 in clusters of some hundred, within 48 directions and a little."""
    rng = np.random.default_rng(seed)
    rows = np.empty((n, dim), np.float32)
    shape = np.random.default_rng(1)  # the same clusters whatever the seed
    centres = shape.standard_normal((10_000, 48), np.float32)
    spread = shape.standard_normal((48, dim), np.float32) / 7
    for start in range(0, n, 50_000):
        stop = min(n, start + 50_000)
        place = centres[rng.integers(len(centres), size=stop - start)]
        place = place + 0.6 * rng.standard_normal(place.shape, np.float32)
        drawn = place @ spread + 0.15 * rng.standard_normal((stop - start, dim), np.float32)
        rows[start:stop] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return rows
