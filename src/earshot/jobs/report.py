"""One self-contained HTML file to read, see and hear: searches with spectrograms, and a map."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earshot.audio import Audio, read_audio
from earshot.core.errors import EarShotError
from earshot.core.files import write_text

SAMPLE_RATE = 16_000  # Hz, of the players and spectrograms: enough to recognise a sound by
MEL_BINS, FRAMES = 48, 120  # of each spectrogram
RANGE_DB = 70.0  # what lies further below a sound's loudest bin is drawn black
MAX_S = 20.0  # of each player; longer sounds are cut in the page, not in the index


@dataclass(frozen=True)
class ReportSound:
    """A sound of the page: its file, what is said of it, and the group that colours its dot."""

    path: Path
    caption: str
    group: str = ""


@dataclass(frozen=True)
class ReportSearch:
    """A query and its hits, best first: (index into the sounds, score)."""

    query: str
    hits: Sequence[tuple[int, float]]


@dataclass(frozen=True)
class ReportTable:
    """A table below the map."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]] = field(default_factory=list)


def write_report(
    out: Path,
    *,
    title: str,
    facts: str,
    sounds: Sequence[ReportSound],
    embeddings: NDArray[np.float32],
    searches: Sequence[ReportSearch] = (),
    tables: Sequence[ReportTable] = (),
) -> Path:
    """Write the page to `out` and return it. `embeddings` [sounds, dim] place the dots.

    The page needs no network and no other file; sounds are cut to 20 s and carried as MP3.
    Raises EarShotError when counts differ, AudioError when a sound cannot be read.
    """
    if len(sounds) != len(embeddings):
        raise EarShotError(
            got=f"{len(sounds)} sounds and {len(embeddings)} embeddings",
            expected="one embedding a sound",
            mend="Embed the sounds again.",
        )
    places = flatten(embeddings)
    payload = {
        "title": title,
        "facts": facts,
        "mel_bins": MEL_BINS,
        "sounds": [
            _sound(sound, place) for sound, place in zip(sounds, places.tolist(), strict=True)
        ],
        "searches": [
            {
                "query": search.query,
                "hits": [{"sound": index, "score": float(score)} for index, score in search.hits],
            }
            for search in searches
        ],
        "tables": [asdict(table) for table in tables],
    }
    page = resources.files("earshot.jobs").joinpath("report.html").read_text("utf-8")
    # "</script>" in a file name would otherwise end the block that carries it
    text = json.dumps(payload, ensure_ascii=True).replace("</", "<\\/")
    write_text(out, page.replace("/*PAYLOAD*/", text))
    return out


def flatten(embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
    """Places [n, 2] in the unit square: t-SNE with scikit-learn, two principal components without.

    Deterministic. Source: t-SNE, van der Maaten and Hinton, JMLR 2008.
    """
    n = len(embeddings)
    if n < 3:
        return np.linspace([0.0, 0.5], [1.0, 0.5], n)
    points = np.asarray(embeddings, np.float64) - np.mean(embeddings, axis=0)
    left, values, _ = np.linalg.svd(points, full_matrices=False)
    places = left[:, :2] * values[:2]
    if n >= 20 and find_spec("sklearn"):
        from sklearn.manifold import TSNE

        start = places / max(float(places[:, 0].std()), 1e-12) * 1e-4
        settings = {"init": start, "perplexity": min(25.0, n / 4), "random_state": 0}
        places = TSNE(n_components=2, metric="cosine", **settings).fit_transform(embeddings)
    low, high = places.min(axis=0), places.max(axis=0)
    return (places - low) / np.maximum(high - low, 1e-12)


def _sound(sound: ReportSound, place: Sequence[float]) -> dict[str, object]:
    audio = read_audio(sound.path, sample_rate=SAMPLE_RATE, duration_s=MAX_S)
    return {
        "name": sound.path.name.encode("utf-8", "backslashreplace").decode(),
        "caption": sound.caption,
        "group": sound.group,
        "x": round(place[0], 4),
        "y": round(place[1], 4),
        "mel": base64.b64encode(picture(audio).tobytes()).decode(),
        "audio": base64.b64encode(_mp3(audio)).decode(),
    }


def picture(audio: Audio) -> NDArray[np.uint8]:
    """The sound's log-mel as bytes [mel_bins, frames], 255 its loudest bin."""
    import torch

    from earshot.features import LogMel, LogMelConfig

    config = LogMelConfig(
        sample_rate=audio.sample_rate, n_fft=512, hop_length=160, n_mels=MEL_BINS, f_max=8_000.0
    )
    waveform = torch.from_numpy(audio.waveform)[None]
    log_mel, _ = LogMel(config)(waveform, torch.tensor([waveform.shape[1]]))
    narrow = torch.nn.functional.adaptive_max_pool1d(log_mel, FRAMES)[0]  # [mel_bins, FRAMES]
    shown = (narrow - narrow.max()) / RANGE_DB + 1.0
    return (shown.clamp(0, 1) * 255).to(torch.uint8).numpy()


def _mp3(audio: Audio) -> bytes:
    import soundfile

    held = io.BytesIO()
    soundfile.write(held, audio.waveform, audio.sample_rate, format="MP3", subtype="MPEG_LAYER_III")
    return held.getvalue()
