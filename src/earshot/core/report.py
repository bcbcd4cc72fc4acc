"""What a run says when it is done."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from earshot.core.files import write_text


@dataclass(frozen=True)
class Report:
    """Figures of one run, by name; `notes` are sentences for people."""

    values: dict[str, float]
    notes: list[str] = field(default_factory=list)

    def to_text(self) -> str:
        """A line a figure, then the notes."""
        width = max((len(name) for name in self.values), default=0)
        lines = [f"{name:<{width}}  {value:.4g}" for name, value in self.values.items()]
        return "\n".join(lines + self.notes)

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_text(path, json.dumps({"values": self.values, "notes": self.notes}, indent=2) + "\n")
