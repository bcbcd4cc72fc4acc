"""What loading a checkpoint did with every key, for people to read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class LoadReport:
    """Which keys were renamed, which the model missed, which it had no place for."""

    source: str = ""
    kind: str = ""  # what the file turned out to be, such as "LAION CLAP, HTSAT-tiny, unfused"
    renamed: dict[str, str] = field(default_factory=dict)  # key in the file -> name here
    missing: tuple[str, ...] = ()  # names here that the file did not hold; all of them harmless
    unexpected: tuple[str, ...] = ()  # keys of the file that nothing here uses
    notes: tuple[str, ...] = ()

    def to_text(self, *, limit: int = 3) -> str:
        """A few lines; long lists are cut to `limit` names."""
        lines = [f"{self.kind}: {self.source}" if self.kind else self.source]
        moved = {old: new for old, new in self.renamed.items() if old != new}
        rows = (
            ("renamed", [f"{old} -> {new}" for old, new in moved.items()]),
            ("missing", list(self.missing)),
            ("unexpected", list(self.unexpected)),
        )
        for word, names in rows:
            shown = ", ".join(names[:limit]) + (" ..." if len(names) > limit else "")
            lines.append(f"  {word:<10} {len(names):>4}  {shown}".rstrip())
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])
