"""A zero-shot task of MTEB over a folder of tones, without a look at the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.abstasks.zeroshot_classification import AbsTaskZeroShotClassification

from toy_embedder import TONES

NAMES = sorted(TONES)


class Tones(AbsTaskZeroShotClassification):
    """Which of five words a tone stands for."""

    input_column_name, label_column_name = "audio", "label"
    metadata = TaskMetadata(
        name="Tones",
        description="Which of five words a tone stands for.",
        reference=None,
        dataset={"path": "tones", "revision": "1"},
        type="AudioZeroshotClassification",
        category="a2t",
        modalities=["audio", "text"],
        eval_splits=["test"],
        eval_langs=["eng-Latn"],
        main_score="accuracy",
    )

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(**options)
        self.folder = folder

    def load_data(self, **options: Any) -> None:
        """Files named after their word."""
        files = sorted(self.folder.glob("*.wav"))
        labels = [NAMES.index(file.stem.rstrip("0123456789")) for file in files]
        rows = datasets.Dataset.from_dict({"audio": [str(f) for f in files], "label": labels})
        self.dataset = datasets.DatasetDict({"test": rows.cast_column("audio", datasets.Audio())})
        self.data_loaded = True

    def get_candidate_labels(self) -> list[str]:
        """A caption a word."""
        return [f"the sound of a {name}" for name in NAMES]
