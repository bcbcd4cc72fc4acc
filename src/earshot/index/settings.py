"""What an index was made with; it travels inside the table, so it survives copying and buckets."""

from __future__ import annotations

import json
from dataclasses import dataclass

from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError

FORMAT = 2
KEY = b"earshot"  # in the table's schema metadata


@dataclass(frozen=True)
class IndexSettings:
    """The model and windowing of one table, and the folder whose sounds it holds."""

    model: str  # what --model was
    fingerprint: str  # of weights, front end and windowing
    dim: int
    window_s: float
    hop_s: float
    root: str  # folder of the sounds; relative to the index where it lies inside it
    precision: str = "fp32"  # that the model ran in
    format: int = FORMAT

    def is_of_same(self, other: IndexSettings) -> bool:
        """True when both were made by a model of one name, read in one way."""
        mine = (self.model, self.precision, self.window_s, self.hop_s)
        return mine == (other.model, other.precision, other.window_s, other.hop_s)

    def to_metadata(self) -> dict[bytes, bytes]:
        """For the table's schema."""
        return {KEY: json.dumps(to_dict(self), sort_keys=True).encode()}

    @staticmethod
    def from_metadata(metadata: dict[bytes, bytes] | None, where: str) -> IndexSettings:
        """Read back from the table's schema; another format is refused."""
        try:
            values = json.loads((metadata or {})[KEY])
            other = values.get("format", 0) != FORMAT
            settings = None if other else from_dict(IndexSettings, values, "index")
        except (KeyError, ValueError, AttributeError, TypeError, RecursionError) as fault:
            raise EarShotError(
                got=f"{where}, a table without EarShot's settings",
                expected="an index that `earshot index` wrote",
                mend="Name another folder with --index.",
            ) from fault
        if settings is None:
            raise EarShotError(
                got=f"{where} of format {values['format']}",
                expected=f"format {FORMAT}",
                mend="Index again into another folder, or use the EarShot that wrote it.",
            )
        return settings
