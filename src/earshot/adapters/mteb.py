"""EarShot's models in MTEB's interface, so that its audio tasks and leaderboard run them.

    import mteb
    from earshot.adapters.mteb import MtebEncoder

    tasks = mteb.get_tasks(tasks=["ESC50_Zeroshot"])
    mteb.evaluate(MtebEncoder("earshot-small"), tasks)

Source: mteb 2.26, `EncoderProtocol`; arXiv:2210.07316.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from earshot.adapters.encoder import Encoder
from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from mteb.models import ModelMeta
    from torch import Tensor

    from earshot.models.embedder import Embedder

MODALITIES = ("audio", "text")


class MtebEncoder:
    """An encoder for `mteb.evaluate`: texts, sounds, or both in one input."""

    def __init__(
        self,
        model_name: str | Path | Embedder = "earshot-small",
        revision: str | None = None,
        *,
        device: str | None = None,
        **options: Any,
    ) -> None:
        self.encoder = Encoder(model_name, device=device or "cpu", **options)
        own = self.encoder.embedder.fingerprint
        if revision is not None and revision != own:
            raise EarShotError(
                got=f"revision {revision!r} of {self.encoder.embedder.name}",
                expected=f"{own!r}, the fingerprint of the model that is there",
                mend="Leave revision out, or load the model that has that fingerprint.",
            )

    def encode(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        task_metadata: Any = None,
        hf_split: str = "",
        hf_subset: str = "",
        prompt_type: Any = None,
        batch_size: int = 16,
        show_progress_bar: bool = False,
        **options: Any,
    ) -> np.ndarray:
        """Unit rows [n, dim] of a loader's batches, which hold "audio", "text" or both.

        An input with both gets the direction between its two rows, as MTEB's own CLAP wrapper sums
        them. Nothing is cut: long sounds are read in windows. No prompt is added to texts.
        """
        rows = [
            self._batch(batch, batch_size=batch_size, show_progress_bar=show_progress_bar)
            for batch in undecoded(inputs)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, self.encoder.dim), np.float32)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Cosines [n, m] of all rows with all rows."""
        return self.encoder.similarity(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Cosines [n] of rows at the same place."""
        return self.encoder.similarity_pairwise(embeddings1, embeddings2)

    @property
    def mteb_model_meta(self) -> ModelMeta:
        """What MTEB writes beside the results: name, fingerprint as revision, sizes."""
        from mteb.models import ModelMeta

        embedder = self.encoder.embedder
        model = getattr(embedder, "model", None)
        sizes = [value.numel() for value in model.parameters()] if model is not None else []
        return ModelMeta(
            loader=MtebEncoder,
            name=leaderboard_name(embedder.name),
            revision=embedder.fingerprint,
            release_date=None,
            languages=None,
            n_parameters=sum(sizes) or None,
            memory_usage_mb=round(sum(sizes) * 4 / 2**20, 1) or None,
            max_tokens=None,
            embed_dim=embedder.dim,
            license=None,
            open_weights=True,
            public_training_code=None,
            public_training_data=None,
            framework=["PyTorch"],
            similarity_fn_name="cosine",
            use_instructions=False,
            training_datasets=None,
            modalities=list(MODALITIES),
        )

    def _batch(self, batch: Mapping[str, Any], **options: Any) -> np.ndarray:
        """The rows of one batch."""
        held = [name for name in MODALITIES if name in batch]
        if not held:
            raise EarShotError(
                got=f"a batch of {', '.join(batch) or 'nothing'}",
                expected="audio, text or both",
                mend="Pick tasks of these: mteb.get_tasks(modalities=['audio', 'text']).",
            )
        rows = sum(
            self.encoder.encode(list(batch[each]), modality=each, **options) for each in held
        )
        if len(held) > 1:
            rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows


def undecoded(inputs: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """The loader over the same rows, whose sounds come as files for EarShot to decode.

    MTEB's own batches need torchcodec to decode and torchaudio to resample; these need neither.
    """
    from torch.utils.data import DataLoader

    if not isinstance(inputs, DataLoader):
        return inputs
    rows: Any = inputs.dataset
    features = getattr(rows, "features", None) or {}
    if "audio" in features and hasattr(features["audio"], "decode"):
        from datasets import Audio

        rows = rows.cast_column("audio", Audio(decode=False))
    return DataLoader(
        rows, batch_size=inputs.batch_size, num_workers=inputs.num_workers, collate_fn=as_columns
    )


def as_columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Rows of a data set as columns."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def leaderboard_name(name: str) -> str:
    """`name` as OWNER/MODEL: hub names as they are, folders by their last part."""
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        return name
    return "earshot/" + re.sub(r"[^\w.-]+", "-", Path(name).name)
