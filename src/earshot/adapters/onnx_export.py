"""Both towers as ONNX graphs, front end included, each held against torch before it is kept."""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import earshot
from earshot.core.errors import EarShotError
from earshot.core.files import replacing, write_text
from earshot.encoders.htsat import Htsat
from earshot.models.two_tower import TwoTower

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

FACTS = "onnx.json"
MAX_DIFFERENCE = 1e-3  # between a number of an embedding in torch and in onnxruntime
PROBE_TEXTS = ("a dog barks in the rain", "bell", "")
Inputs = tuple[Tensor, ...]


@dataclass(frozen=True)
class ExportedTower:
    """A graph on disk: its inputs with their dimensions, words where any size goes."""

    file: str
    inputs: dict[str, list[int | str]]
    max_difference: float  # from torch, over the probes


class AudioGraph(nn.Module):
    """waveform [batch, samples], n_samples [batch] -> unit rows [batch, dim]."""

    names = ("waveform", "n_samples")

    def __init__(self, model: TwoTower) -> None:
        super().__init__()
        self.model = _unfused(model)

    def forward(self, waveform: Tensor, n_samples: Tensor) -> Tensor:
        """One window a row, whose sound ends at n_samples."""
        return self.model.embed_audio(waveform, n_samples)


class TextGraph(nn.Module):
    """tokens [batch, tokens], padding [batch, tokens] -> unit rows [batch, dim]."""

    names = ("tokens", "padding")

    def __init__(self, model: TwoTower) -> None:
        super().__init__()
        self.encoder, self.projection = model.text_encoder, model.text_projection

    def forward(self, tokens: Tensor, padding: Tensor) -> Tensor:
        """Ids of the model's tokenizer; padding is True where a row has ended."""
        return F.normalize(self.projection(self.encoder(tokens, padding)).float())


def export_onnx(embedder: Embedder, out: Path, *, batch_size: int = 1) -> list[ExportedTower]:
    """Write audio.onnx, text.onnx and onnx.json into `out`; gives what each graph takes.

    The front end is inside: the audio graph takes a waveform at the model's rate. Any batch size
    and length go where the encoder allows it; an HTSAT takes batches of `batch_size` alone. A graph
    whose rows differ from torch's by more than 1e-3 is refused and not kept.
    """
    model = embedder.model.cpu().eval()
    towers = [
        _export(AudioGraph(model), _audio_probes(model), out / "audio.onnx", batch_size),
        _export(TextGraph(model), _text_probes(model), out / "text.onnx", batch_size),
    ]
    facts = {
        "earshot": earshot.__version__,
        "model": Path(embedder.name).name,
        "fingerprint": embedder.fingerprint,
        "sample_rate": model.sample_rate,
        "window_s": model.window_s,
        "logit_scale": embedder.scale,
        "tokenizer": model.tokenizer.facts,
        "towers": [asdict(tower) for tower in towers],
    }
    write_text(out / FACTS, json.dumps(facts, indent=2) + "\n")
    return towers


def _export(
    graph: AudioGraph | TextGraph, probes: Sequence[Inputs], path: Path, batch_size: int
) -> ExportedTower:
    """One tower's graph, its inputs as wide as they go, checked on every probe that fits."""
    graph.eval()
    with replacing(path) as part:
        dims: dict[str, list[int | str]] = {}
        if not _needs_fixed_batch(graph):
            dims = _trace(graph, probes[0], {0: "batch", 1: "width"}, part)
        if not isinstance(next(iter(dims.values()), [0])[0], str):  # the encoder fixed the batch
            probes = [_with_rows(inputs, batch_size) for inputs in probes]
            dims = _trace(graph, probes[0], {1: "width"}, part)
        difference = _difference(graph, probes, dims, part)
    return ExportedTower(path.name, dims, difference)


def _trace(
    graph: AudioGraph | TextGraph, inputs: Inputs, free: dict[int, str], path: Path
) -> dict[str, list[int | str]]:
    """Write the graph with the dimensions in `free` left open; gives those that it has."""
    shapes = tuple({d: name for d, name in free.items() if d < each.dim()} for each in inputs)
    with _quietly(), torch.no_grad():
        program = torch.onnx.export(
            graph,
            inputs,
            input_names=graph.names,
            output_names=("embeddings",),
            dynamic_shapes=shapes,
            dynamo=True,
            verbose=False,
        )
        program.save(path)
    return {each.name: list(each.shape) for each in _session(path).get_inputs()}


def _difference(
    graph: nn.Module, probes: Sequence[Inputs], dims: dict[str, list[int | str]], path: Path
) -> float:
    """The largest difference from torch over the probes whose shapes the graph takes."""
    session, worst = _session(path), 0.0
    for inputs in probes:
        named = dict(zip(dims, inputs, strict=True))
        if any(not _takes(dims[name], value) for name, value in named.items()):
            continue
        with torch.no_grad():
            expected = graph(*inputs).numpy()
        [found] = session.run(None, {name: value.numpy() for name, value in named.items()})
        worst = max(worst, float(np.abs(found - expected).max()))
    if not worst <= MAX_DIFFERENCE:
        raise EarShotError(
            got=f"{type(graph).__name__} rows that differ from torch's by {worst:.2g}",
            expected=f"at most {MAX_DIFFERENCE:g}",
            mend="Update onnxruntime and onnxscript, or stay with torch for this model.",
        )
    return worst


def _audio_probes(model: TwoTower) -> list[Inputs]:
    """Noises with a tone: full windows, and narrower and wider batches of shorter sounds."""
    draw, window = torch.Generator().manual_seed(0), model.window_samples
    probes = []
    for lengths in ([window, window * 2 // 3], [window // 2, window // 3, window // 4], [window]):
        waveform = torch.zeros(len(lengths), max(lengths))
        for row, length in zip(waveform, lengths, strict=True):
            time = torch.arange(length) / model.sample_rate
            row[:length] = 0.3 * torch.sin(2_765 * time * (1 + length / window))
            row[:length] += 0.05 * torch.randn(length, generator=draw)
        probes.append((waveform, torch.tensor(lengths)))
    return probes


def _text_probes(model: TwoTower) -> list[Inputs]:
    """Texts of several lengths, together and alone."""
    return [model.tokenizer(PROBE_TEXTS[:2]), *(model.tokenizer([text]) for text in PROBE_TEXTS)]


def _with_rows(inputs: Inputs, batch_size: int) -> Inputs:
    """The same inputs repeated or cut to `batch_size` rows."""
    return tuple(each[torch.arange(batch_size) % len(each)] for each in inputs)


def _needs_fixed_batch(graph: nn.Module) -> bool:
    """True for HTSAT: it folds windows by a batch that it must know beforehand."""
    return isinstance(graph, AudioGraph) and isinstance(graph.model.audio_encoder, Htsat)


def _unfused(model: TwoTower) -> TwoTower:
    """A fused model as it treats single windows, which its fusion leaves alone."""
    if not getattr(model.audio_encoder, "fused", False):
        return model
    alone = copy.deepcopy(model)
    encoder = alone.audio_encoder.model.audio_encoder
    alone.audio_encoder.fused = encoder.enable_fusion = encoder.patch_embed.enable_fusion = False
    alone.long_clips = None
    return alone


def _takes(dims: Sequence[int | str], value: Tensor) -> bool:
    return all(isinstance(d, str) or d == n for d, n in zip(dims, value.shape, strict=True))


def _session(path: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporter's remarks on its own workings."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
