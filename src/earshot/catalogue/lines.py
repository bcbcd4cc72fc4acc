"""Entries as lines of text, for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from earshot.catalogue.entry import KINDS, NONE, Entry
from earshot.catalogue.standing import stands, status_of


def short_lines(entries: Sequence[Entry]) -> Iterator[str]:
    """One line an entry under the name of its kind; * marks what EarShot has."""
    for kind in KINDS:
        found = [entry for entry in entries if entry.kind == kind]
        if found:
            n_here = sum(map(stands, found))
            yield f"{kind}: {len(found)}, of which {n_here} here (*)"
            width = max(len(entry.name) for entry in found)
            yield from (
                f"  {'*' if stands(entry) else ' '} {entry.name:<{width}}  {entry.title}"
                for entry in found
            )


def full_lines(entry: Entry) -> Iterator[str]:
    """Name and title, then every cell that says something."""
    yield f"{entry.name}  ({entry.family}; {status_of(entry)})"
    yield f"    {entry.title}"
    for name, value in (
        ("architecture", entry.architecture),
        ("objectives", ", ".join(entry.objectives)),
        ("stage", " + ".join(entry.stage)),
        ("tasks", ", ".join(entry.tasks)),
        ("modalities", ", ".join(entry.modalities)),
        ("data", ", ".join(entry.data)),
        ("licence", entry.license),
        ("here", entry.config),
        ("reference", entry.reference),
    ):
        if value != NONE:
            yield f"    {name:<13}{value}"
