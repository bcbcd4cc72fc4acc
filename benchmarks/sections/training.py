"""Training steps of the `clap` recipe against the same step written plainly with `transformers`.

Both train a CLAP with HTSAT-tiny and a text tower of four layers on batches of eight ten-second
clips from disk, with AdamW. Plainly means: `ClapProcessor`, `ClapModel(..., return_loss=True)`.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import torch

from figures import Figure, alternate, ratio, repeated
from material import RATE, clap_folder, scenes

BATCH, STEPS = 8, 2


def measure(tiny: bool, n_pairs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Ratios of clips a second, in fp32 and in bf16."""
    folder, clap = scenes(8 if tiny else 200), clap_folder(tiny=tiny)
    files = sorted(folder.glob("*.wav"))[: 2 if tiny else BATCH * STEPS]
    ways = {
        "plain": _plain(files, clap),
        "fp32": _recipe(files, clap, "fp32"),
        "bf16": _recipe(files, clap, "bf16"),
    }
    seconds = alternate(ways, n_pairs)
    clips = STEPS * min(BATCH, len(files))
    figures = [
        ratio("recipe in bf16 against plain", seconds, "plain", "bf16", at_least=1.0),
        ratio("recipe in fp32 against plain", seconds, "plain", "fp32"),
    ]
    for name, values in seconds.items():
        figures.append(repeated(f"{name}: clips a second", [clips / v for v in values], "clips/s"))
    return figures, {}


def _caption(path: Path) -> str:
    return f"the sound of scene {path.stem}"


def _plain(files: list[Path], clap: Path) -> Any:
    import soundfile
    from transformers import ClapModel, ClapProcessor

    model, processor = ClapModel.from_pretrained(clap).train(), ClapProcessor.from_pretrained(clap)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def steps() -> None:
        for step in range(STEPS):
            chosen = files[step * BATCH :][:BATCH] or files[:BATCH]
            inputs = processor(
                text=[_caption(path) for path in chosen],
                audio=[soundfile.read(path, dtype="float32")[0] for path in chosen],
                sampling_rate=RATE,
                return_tensors="pt",
                padding=True,
            )
            loss = model(**inputs, return_loss=True).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return steps


def _recipe(files: list[Path], clap: Path, precision: str) -> Any:
    """The recipe's loader, loss and precision; what `fit` adds is checkpoints and a log."""
    from earshot.data import BatchLoader, Clip
    from earshot.jobs.loading import load
    from earshot.objectives.infonce import InfoNCE

    model, objective = load(clap, runtime="torch").model.train(), InfoNCE()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    clips = [Clip(audio=path, captions=(_caption(path),), id=path.stem) for path in files]
    batch_size = min(BATCH, len(files))

    def steps() -> None:
        loader = BatchLoader(clips, batch_size=batch_size, sample_rate=RATE, max_s=10.0, seed=0)
        for batch in itertools.islice(loader.batches(0), STEPS):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
                audio = model.embed_audio(batch.waveform, batch.n_samples)
                text = model.embed_text(batch.captions)
                loss = objective(audio, text, model.scale)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            model.clamp_scale()

    return steps
