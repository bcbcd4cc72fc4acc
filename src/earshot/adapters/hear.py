"""EarShot's models in the API of HEAR, the Holistic Evaluation of Audio Representations.

    heareval.embeddings.runner earshot.adapters.hear --model runs/clap

Source: arXiv:2203.03022, section 3.1 (the common API).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from earshot.adapters.sounds import embed_sounds
from earshot.audio import Audio, read_audio, resample
from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.jobs.loading import load
from earshot.models.embedder import Embedder
from earshot.models.frame_reader import FrameReader
from earshot.models.two_tower import TwoTower

HOP_MS = 50.0  # at most what HEAR's onset tasks need
SPAN_S = 1.0  # of sound around a timestamp; less where the model's window is shorter
TIMES_AT_ONCE = 256
RATES = (16_000, 22_050, 44_100, 48_000)  # Hz, those that HEAR's sounds come in


class Model(nn.Module):
    """A model of EarShot as HEAR's runners want it: sizes as attributes, moved by `.to(device)`.

    `sample_rate` is the model's own where HEAR has sounds of it, else the next that it has; sounds
    are then resampled.
    """

    def __init__(self, embedder: Embedder, *, hop_ms: float = HOP_MS) -> None:
        super().__init__()
        if not hop_ms > 0:
            raise EarShotError(
                got=f"hop_ms={hop_ms:g}", expected="above 0", mend="HEAR asks for 50 or less."
            )
        self.embedder, self.hop_ms = embedder, hop_ms
        self.towers = embedder.model
        self.sample_rate = next((r for r in RATES if r >= embedder.sample_rate), RATES[-1])
        knows_words = isinstance(embedder.model, TwoTower)
        self.reader = None if knows_words else FrameReader(embedder)
        self.scene_embedding_size = embedder.dim
        self.timestamp_embedding_size = self.reader.dim if self.reader else embedder.dim

    def _apply(self, fn: object, recurse: bool = True) -> Model:
        super()._apply(fn, recurse)
        self.embedder.device = next(self.towers.parameters(), torch.empty(0)).device
        return self

    def forward(self, audio: Tensor) -> Tensor:
        """The scene embeddings."""
        return get_scene_embeddings(audio, self)


def load_model(model_file_path: str = "") -> Model:
    """The model at a path, whatever `earshot.load` takes; earshot-small when empty."""
    return Model(load(model_file_path) if model_file_path else load())


def get_scene_embeddings(audio: Tensor, model: Model) -> Tensor:
    """Unit rows [n_sounds, dim] of audio [n_sounds, n_samples] at model.sample_rate.

    Each is the mean over the sound's windows: what `earshot.embed` gives for the same sound.
    """
    sounds = _sounds(audio, model)
    rows = [clip.mean for clip in embed_sounds(sounds, model.embedder)]
    return torch.from_numpy(np.stack(rows)).to(audio.device)


def get_timestamp_embeddings(audio: Tensor, model: Model) -> tuple[Tensor, Tensor]:
    """Unit rows [n_sounds, n_times, dim], and their times [n_sounds, n_times] in milliseconds.

    One every model.hop_ms (50) from the start to the end. Of a model of sound and language each is
    the embedding of the second that lies around it, cut at the ends of the sound: real sound only,
    never padded. Of an encoder alone it is its last layer's state there, at unit length.
    """
    embedder, rate = model.embedder, model.embedder.sample_rate
    if model.reader is not None:
        return _states(audio, model, model.reader)
    sounds = [resample(each.waveform, model.sample_rate, rate) for each in _sounds(audio, model)]
    n_times = int(audio.shape[1] / model.sample_rate * 1_000 / model.hop_ms) + 1
    times_ms = np.arange(n_times) * model.hop_ms  # not summed up: nothing drifts
    half = round(min(SPAN_S, embedder.window_s) * rate) // 2
    rows = []
    for sound in sounds:
        centres = np.minimum(np.round(times_ms * rate / 1_000).astype(int), len(sound))
        cut = [sound[max(0, centre - half) : centre + half] for centre in centres]
        parts = [cut[i : i + TIMES_AT_ONCE] for i in range(0, n_times, TIMES_AT_ONCE)]
        rows.append(np.concatenate([embedder.embed_waveforms(part) for part in parts]))
    times = torch.from_numpy(times_ms).float().expand(len(rows), -1)
    return torch.from_numpy(np.stack(rows)).to(audio.device), times.to(audio.device)


def _states(audio: Tensor, model: Model, reader: FrameReader) -> tuple[Tensor, Tensor]:
    """Timestamp embeddings of an encoder: the position that is heard at each time."""
    n_times = int(audio.shape[1] / model.sample_rate * 1_000 / model.hop_ms) + 1
    times_ms = np.arange(n_times) * model.hop_ms
    rows = []
    for sound in _sounds(audio, model):
        found = reader.read(sound)
        place = np.searchsorted(found.start_s, times_ms / 1_000, side="right") - 1
        rows.append(found.windows[place.clip(0)])
    states = torch.nn.functional.normalize(torch.from_numpy(np.stack(rows)), dim=-1)
    times = torch.from_numpy(times_ms).float().expand(len(rows), -1)
    return states.to(audio.device), times.to(audio.device)


def _sounds(audio: Tensor, model: Model) -> list[Audio]:
    """The rows of `audio`, checked as every sound is."""
    check_shape(
        "audio", audio, ("n_sounds", "n_samples"), mend="Mix down to mono and stack the sounds."
    )
    if not len(audio):
        raise EarShotError(
            got="no sound", expected="one or more", mend="Pass [n_sounds, n_samples]."
        )
    return [read_audio(row.detach().cpu().numpy(), source_rate=model.sample_rate) for row in audio]
