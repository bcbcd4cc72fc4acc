"""A Hugging Face `datasets` table of sounds: embed a column, name each sound, search the rows.

    python examples/hf_datasets.py [FOLDER] [MODEL]

The sounds are computed here; put your own data set in the place of `make_rows`. EarShot decodes, so
torchcodec is not needed: the column is cast with decode=False. Needs pip install 'earshot[data]'.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from datasets import Audio, Dataset

import earshot
from earshot.data import open_clips
from earshot.models.embedder import Embedder
from earshot.synth import write_dataset

N_SOUNDS = 40


def make_rows(folder: Path) -> Dataset:
    """Sounds and what they are, as `load_dataset` would give them."""
    clips = open_clips(write_dataset(folder, kind="sounds", n=N_SOUNDS, seed=0))
    rows = {"audio": [str(c.audio) for c in clips], "label": [c.labels[0] for c in clips]}
    return Dataset.from_dict(rows).cast_column("audio", Audio(decode=False))


def main(folder: Path, model: str | Embedder = "earshot-small") -> Dataset:
    """Give the rows with an embedding and a guess each; print the accuracy and a search."""
    rows, encoder = make_rows(folder / "sounds"), earshot.Encoder(model)
    names = sorted(set(rows["label"]))
    captions = encoder.encode([f"the sound of {name}" for name in names])

    def embed(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        vectors = encoder.encode(batch["audio"])
        best = encoder.similarity(vectors, captions).argmax(1)
        return {"embedding": vectors.tolist(), "guess": [names[i] for i in best]}

    rows = rows.map(embed, batched=True, batch_size=16)
    right = sum(row["label"] == row["guess"] for row in rows.remove_columns("audio"))
    print(f"{right} of {len(rows)} sounds named right among {len(names)} names")

    query = encoder.encode("rain falling")
    rows = rows.with_format("numpy", columns=["embedding"], output_all_columns=True)
    scores = encoder.similarity(query, rows["embedding"][:])[0]
    for i in scores.argsort(descending=True)[:3].tolist():
        print(f"{scores[i]:+.3f}  {rows[i]['label']}")
    rows.with_format(None).to_parquet(folder / "embedded.parquet")
    return rows


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    main(place, *sys.argv[2:3])
