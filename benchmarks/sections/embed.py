"""Embed ten-second files from disk with a CLAP HTSAT of default size.

The peer is what people write today: `soundfile.read`, `ClapProcessor`, then
`ClapModel.get_audio_features` in batches of 8, fp32, under `torch.inference_mode`.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from figures import Figure, alternate, ratio, repeated
from material import CACHE, RATE, clap_folder, scenes

BATCH = 8


def measure(tiny: bool, n_pairs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Ratios to the peer, cosines to its embeddings, and the way to the matmul limit."""
    import os

    os.environ["EARSHOT_CACHE"] = str(CACHE / "exports")
    from earshot.jobs.embed import embed
    from earshot.jobs.loading import load

    folder = scenes(8 if tiny else 200)
    files = sorted(folder.glob("*.wav"))
    clap = clap_folder(tiny=tiny)
    peer = Peer(clap)
    ours = {
        "exact": load(clap, runtime="openvino"),
        "exact, torch alone": load(clap, runtime="torch"),
        "fast": load(clap, precision="fast"),
        "fast, torch alone": load(clap, precision="fast", runtime="torch"),
    }
    ways = {"peer": lambda: peer(files)}
    for name, embedder in ours.items():
        ways[name] = lambda embedder=embedder: embed(files, model=embedder)
    seconds = alternate(ways, n_pairs)
    figures = [
        ratio("exact (fp32), clips a second", seconds, "peer", "exact", at_least=2.0),
        ratio("fast (bf16), clips a second", seconds, "peer", "fast", at_least=4.0),
        ratio("exact without OpenVINO", seconds, "peer", "exact, torch alone"),
        ratio("fast without OpenVINO", seconds, "peer", "fast, torch alone"),
    ]
    theirs = peer(files)
    for name, least in (("exact", 0.9999), ("fast", 0.995)):
        cosine = (embed(files, model=ours[name]).embeddings * theirs).sum(1).min()
        figures.append(
            Figure(f"{name}: least cosine to the peer's", float(cosine), "", at_least=least)
        )
    per_second = {name: [len(files) / each for each in seconds[name]] for name in ways}
    for name, values in per_second.items():
        figures.append(repeated(f"{name}: clips a second", values, "clips/s"))
    clips_s = {name: statistics.median(values) for name, values in per_second.items()}
    found, facts = _limit(ours, clips_s, files)
    return figures + found, facts


class Peer:
    """Embedding as people write it today."""

    def __init__(self, clap: Path) -> None:
        from transformers import ClapModel, ClapProcessor

        self.model = ClapModel.from_pretrained(clap).eval()
        self.processor = ClapProcessor.from_pretrained(clap)

    def __call__(self, files: list[Path]) -> np.ndarray:
        """Unit rows of the files."""
        import soundfile

        rows = []
        with torch.inference_mode():
            for start in range(0, len(files), BATCH):
                waveforms = [
                    soundfile.read(path, dtype="float32")[0] for path in files[start:][:BATCH]
                ]
                inputs = self.processor(audio=waveforms, sampling_rate=RATE, return_tensors="pt")
                rows.append(self.model.get_audio_features(**inputs).pooler_output)
        found = torch.cat(rows)
        return (found / found.norm(dim=-1, keepdim=True)).numpy()


def _limit(
    ours: dict[str, Any], clips_s: dict[str, float], files: list[Path]
) -> tuple[list[Figure], dict[str, Any]]:
    """Multiplications a second of the towers beside those of one large matrix product."""
    from torch.utils.flop_counter import FlopCounterMode

    from earshot.audio import read_audio

    model = ours["exact, torch alone"].model
    frames = torch.zeros(1, model.features.config.n_mels, model.window_frames)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model.embed_frames(frames, torch.tensor([model.window_frames]))
    per_clip = counter.get_total_flops()
    figures, facts = [], {"gflop_per_clip": per_clip / 1e9, "clips_per_second": clips_s}
    for name, dtype in (("exact", torch.float32), ("fast", torch.bfloat16)):
        peak = _matmul(dtype)
        share = per_clip * clips_s[name] / peak
        facts[f"{name}_matmul_gflops"] = peak / 1e9
        figures.append(Figure(f"{name}: share of this machine's matmul limit", 100 * share, "%"))
    torch.set_num_threads(1)
    started = time.process_time()
    for path in files[:40]:
        ours["fast"].prepare(read_audio(path, sample_rate=RATE).waveform)
    facts["decode_core_ms_per_clip"] = (time.process_time() - started) / len(files[:40]) * 1e3
    return figures, facts


def _matmul(dtype: torch.dtype, size: int = 2_048) -> float:
    """Best floating point operations a second of a square matrix product."""
    left, right = torch.randn(size, size, dtype=dtype), torch.randn(size, size, dtype=dtype)
    best = 0.0
    for _ in range(12):
        started = time.perf_counter()
        left @ right
        best = max(best, 2 * size**3 / (time.perf_counter() - started))
    return best
