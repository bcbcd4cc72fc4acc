"""A ctc_ot that trains in seconds: eight symbols of a toy language, or spoken letters as files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from earshot.audio import write_audio
from earshot.core.seed import generator
from earshot.features import KaldiFbankConfig
from earshot.recipes import ctc_ot
from earshot.synth.prototype_speech import PrototypeSpeechConfig
from earshot.training.fit import FitConfig

TONES_HZ = {"a": 400, "b": 700, "c": 1_100, "d": 1_600}
ENGLISH = {"a": "red", "b": "cat", "c": "sun", "d": "old"}


def tiny_config(steps: int = 150) -> ctc_ot.Config:
    small = ctc_ot.Config.small()
    fit = FitConfig(steps=steps, learning_rate=3e-3, warmup_steps=10, checkpoint_every=500)
    return replace(
        small,
        speech=replace(
            small.speech,
            vocab_size=16,
            dim=48,
            mlp_dim=96,
            encoder_depth=2,
            decoder_depth=1,
            conv_dim=48,
            n_features=8,
        ),
        text=replace(small.text, vocab_size=16, depth=1),
        text_fit=fit,
        pretraining_fit=replace(fit, steps=2 * steps),
        translation_fit=replace(fit, steps=max(6, steps // 3)),  # too few to learn to hear, too
        translated=(64,),
        n_beams=2,
        toy=replace(
            small.toy,
            n_texts=400,
            n_train=200,
            n_test=40,
            speech=PrototypeSpeechConfig(
                n_symbols=8, n_features=8, n_followers=3, longest=6, most_hold=5, noise=0.3
            ),
        ),
    )


def tiny_sound_config(steps: int = 40) -> ctc_ot.Config:
    """For the files of `write_letters`."""
    tiny = tiny_config(steps)
    fbank = KaldiFbankConfig(sample_rate=8_000, f_max=4_000.0, n_mels=16, gain=2.0**15)
    return replace(
        tiny,
        speech=replace(tiny.speech, vocab_size=16, fbank=fbank, n_features=16, cmvn=True),
        source_kind="characters",
        target_kind="words",
        translation_fit=tiny.text_fit,
        translated=(),
        longest_s=2.0,
        toy=replace(tiny.toy, stamps=()),
    )


def write_letters(folder: Path, n: int = 24) -> Path:
    """Files of two to four tones, each a letter; the manifest that translates them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = generator(0, "letters to translate")
    lines = ["path,transcript,caption,split"]
    for i in range(n):
        letters = [str(each) for each in rng.choice(list(TONES_HZ), int(rng.integers(2, 5)))]
        time_s = np.arange(2_000) / 8_000
        sound = [0.3 * np.sin(2 * np.pi * TONES_HZ[each] * time_s) for each in letters]
        noise = rng.normal(size=2_000 * len(letters)) * 0.01
        write_audio(folder / f"{i:02d}.wav", np.concatenate(sound) + noise, 8_000)
        english = " ".join(ENGLISH[each] for each in letters)
        split = "test" if i % 4 == 3 else "train"
        lines.append(f"{i:02d}.wav,{' '.join(letters)},{english},{split}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder / "clips.csv"
