"""A pandas table of sounds: tag and embed its rows, keep what failed, compare groups.

    python examples/pandas_table.py [FOLDER] [MODEL]

The sounds are computed here, and one of them is spoilt on purpose. Needs pip install pandas.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import earshot
from earshot.data import open_clips
from earshot.models.embedder import Embedder
from earshot.synth import write_dataset

N_SOUNDS = 40


def make_table(folder: Path) -> pd.DataFrame:
    """A row a sound: its path and what it is. The last file is cut to nothing."""
    clips = open_clips(write_dataset(folder, kind="sounds", n=N_SOUNDS, seed=1))
    rows = [{"path": str(clip.audio), "label": clip.labels[0]} for clip in clips]
    broken = folder / "broken.wav"
    broken.write_bytes(b"RIFF")
    return pd.DataFrame([*rows, {"path": str(broken), "label": "silence"}])


def main(folder: Path, model: str | Embedder = "earshot-small") -> pd.DataFrame:
    """Give the table with a guess, a vector and the reason of a failure in each row."""
    table = make_table(folder / "sounds")
    embedder = model if isinstance(model, Embedder) else earshot.load(model)

    tagged = earshot.tag(table["path"], labels=sorted(set(table["label"])), model=embedder)
    guesses = {str(row.path): (row.label, row.score) for row in tagged}
    table["guess"] = table["path"].map(lambda path: guesses.get(path, (None, None))[0])
    table["score"] = table["path"].map(lambda path: guesses.get(path, (None, np.nan))[1])

    embedded = earshot.embed(table["path"], model=embedder)
    vectors = {str(row.path): row.vector for row in embedded}
    table["vector"] = table["path"].map(vectors.get)
    reasons = {str(failure.path): failure.error for failure in embedded.failures}
    table["error"] = table["path"].map(reasons.get)

    heard = table[table["error"].isna()]
    print(f"{len(heard)} sounds, {len(table) - len(heard)} failed: {[*reasons.values()]}")
    by_label = heard.assign(right=heard["guess"] == heard["label"]).groupby("label")["right"]
    print(by_label.mean().sort_values(ascending=False).head().to_string())

    matrix = np.stack(heard["vector"].to_list())
    cosines = matrix @ matrix.T
    np.fill_diagonal(cosines, -1)
    one, other = np.unravel_index(cosines.argmax(), cosines.shape)
    names = heard["label"].to_numpy()
    print(f"closest pair: {names[one]} and {names[other]}, cosine {cosines.max():.3f}")
    table.drop(columns="vector").to_csv(folder / "tagged.csv", index=False)
    return table


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    main(place, *sys.argv[2:3])
