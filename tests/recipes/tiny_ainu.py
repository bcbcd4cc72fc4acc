"""An ainu_adaptation that trains in seconds: a few made-up utterances, a very small model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from earshot.audio import write_audio
from earshot.core.seed import generator
from earshot.recipes import ainu_adaptation
from earshot.synth.phone_speech import PhoneSpeechConfig


def tiny_config(steps: int = 4) -> ainu_adaptation.Config:
    small = ainu_adaptation.Config.small()
    encoder = replace(small.model.audio.wav2vec2, dim=32, depth=2, mlp_dim=64, n_mels=20)
    speech = PhoneSpeechConfig(shortest=4, longest=6, n_followers=4)
    return replace(
        small,
        model=replace(
            small.model,
            audio=replace(small.model.audio, wav2vec2=encoder),
            features=replace(small.model.features, n_mels=20),
        ),
        base_fit=replace(small.base_fit, steps=steps, warmup_steps=1),
        continued_fit=replace(small.continued_fit, steps=steps, warmup_steps=1),
        fine_tune_fit=replace(small.fine_tune_fit, steps=steps, warmup_steps=1, learning_rate=1e-2),
        batch_size=8,
        toy=replace(
            small.toy,
            family=replace(small.toy.family, speech=speech),
            n_base=20,
            n_target=24,
            n_other=16,
            n_test=8,
        ),
    )


TONES_HZ = {"a": 400, "b": 700, "c": 1_100, "d": 1_600}
LETTER_S = 0.12


def tiny_sound_config(steps: int = 4) -> ainu_adaptation.Config:
    """For the files of `write_languages`: 8 kHz, windows of 2 s, letters."""
    tiny = tiny_config(steps)
    features = replace(
        tiny.model.features, sample_rate=8_000, n_fft=256, hop_length=80, f_max=3_800.0
    )
    encoder = replace(tiny.model.audio.wav2vec2, stack=2)
    return replace(
        tiny,
        model=replace(
            tiny.model,
            features=features,
            window_s=2.0,
            audio=replace(tiny.model.audio, wav2vec2=encoder),
        ),
        target="x",
        base_languages=("y",),
        routes=(ainu_adaptation.Route("S3", continued="x", auxiliary="y"),),
        n_symbols=12,
        kind="characters",
        latin=True,
        shortest_s=0.1,
        longest_s=2.0,
    )


def tones(letters: str, rng: np.random.Generator) -> np.ndarray:
    """Each letter a tone, a space silence; [samples] at 8 kHz."""
    time_s = np.arange(round(LETTER_S * 8_000)) / 8_000
    sound = [0.3 * np.sin(2 * np.pi * TONES_HZ.get(each, 0) * time_s) for each in letters]
    return np.concatenate(sound) + rng.normal(size=len(time_s) * len(letters)) * 0.01


def write_languages(folder: Path, n: int = 24) -> Path:
    """Files of tones in two languages, and the manifest; every fourth has no transcript."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = generator(0, "languages of tones")
    lines = ["path,transcript,language,split"]
    for i in range(n):
        length = int(rng.integers(3, 7))
        letters = "".join(str(each) for each in rng.choice([*TONES_HZ, " "], length)).strip() or "a"
        write_audio(folder / f"{i:02d}.wav", tones(letters, rng), 8_000)
        split = "test" if i % 6 == 4 else "train"
        written = "" if i % 4 == 3 else letters.upper()
        lines.append(f"{i:02d}.wav,{written},{'x' if i % 2 == 0 or i % 4 == 3 else 'y'},{split}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder / "clips.csv"
