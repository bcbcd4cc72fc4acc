"""What a model is worth on composed clips: order, single events, and finding whole clips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from earshot.audio import Audio
from earshot.data.compositions import Composition
from earshot.data.twins import Twins
from earshot.metrics import audio_to_text, text_to_audio, twin_scores
from earshot.training.evaluation import Listener


def twin_figures(listener: Listener, pairs: Sequence[Twins]) -> dict[str, float]:
    """Text, audio and group score; chance is 1/4, 1/4 and 1/6."""
    sounds = _embed(
        listener, [w for pair in pairs for w in (pair.waveform, pair.reversed_waveform)]
    )
    captions = [c for pair in pairs for c in (pair.caption, pair.reversed_caption)]
    words = listener.embed_texts(captions)
    similarity = words.reshape(len(pairs), 2, -1) @ sounds.reshape(len(pairs), 2, -1).swapaxes(1, 2)
    return {f"twin_{name}": value for name, value in twin_scores(similarity).values.items()}


def composition_retrieval(listener: Listener, clips: Sequence[Composition]) -> dict[str, float]:
    """Finding composed clips by their captions, and captions by their clips."""
    sounds = _embed(listener, [clip.waveform for clip in clips])
    similarity = listener.embed_texts([clip.caption for clip in clips]) @ sounds.T
    owner = np.arange(len(clips))
    found = {"t2a": text_to_audio(similarity, owner), "a2t": audio_to_text(similarity, owner)}
    figures = {f"{way}_r{k}": each.values[f"R@{k}"] for way, each in found.items() for k in (1, 5)}
    return figures | {"r5_chance": min(1.0, 5 / len(clips))}


def _embed(listener: Listener, waveforms: Sequence[np.ndarray]) -> np.ndarray:
    rate = listener.sample_rate
    return np.stack([listener.embed_audio(Audio(each, rate)).mean for each in waveforms])
