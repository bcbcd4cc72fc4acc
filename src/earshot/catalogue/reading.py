"""The catalogue from its files, each cell checked against the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from earshot.catalogue.entry import ARCHITECTURES, CELLS, KINDS, LISTS, NONE, STAGES, Entry
from earshot.catalogue.origins import ORIGINS
from earshot.core.errors import unknown_name
from earshot.text.json_rows import JsonRow, read_json_rows


@dataclass(frozen=True)
class Catalogue:
    """All entries, by kind."""

    entries: tuple[Entry, ...]

    def of(self, kind: str) -> tuple[Entry, ...]:
        """The entries of one kind, in the order of their file. Raises EarShotError for others."""
        if kind not in KINDS:
            raise unknown_name("part of the catalogue", kind, KINDS)
        return tuple(entry for entry in self.entries if entry.kind == kind)

    def names(self, kind: str) -> tuple[str, ...]:
        """The names of the entries of one kind."""
        return tuple(entry.name for entry in self.of(kind))

    def entry(self, kind: str, name: str) -> Entry:
        """One entry; for a typo the nearest name is offered."""
        for entry in self.of(kind):
            if entry.name == name:
                return entry
        raise unknown_name(f"entry of {kind}", name, self.names(kind))

    def select(
        self,
        kinds: Sequence[str] = KINDS,
        *,
        task: str | None = None,
        family: str | None = None,
        architecture: str | None = None,
        stage: str | None = None,
    ) -> tuple[Entry, ...]:
        """The entries of `kinds` that have all of the cells asked for.

        Raises EarShotError, with the nearest one, for a cell that no entry has.
        """
        asked: Iterable[tuple[str, str | None, Iterable[str]]] = (
            ("task", task, self.names("tasks")),
            ("family", family, {entry.family for entry in self.entries}),
            ("architecture", architecture, ARCHITECTURES),
            ("stage", stage, STAGES),
        )
        for what, value, known in asked:
            if value is not None and value not in set(known):
                raise unknown_name(what, value, known)
        return tuple(
            entry
            for kind in kinds
            for entry in self.of(kind)
            if task in (None, *entry.tasks)
            and family in (None, entry.family)
            and architecture in (None, entry.architecture)
            and stage in (None, *entry.stage)
        )


@cache
def catalogue() -> Catalogue:
    """The catalogue that comes with EarShot."""
    folder = Path(str(resources.files("earshot.catalogue"))) / "entries"
    return read_catalogue({kind: folder / f"{kind}.jsonl" for kind in KINDS})


def read_catalogue(files: Mapping[str, Path]) -> Catalogue:
    """The entries of one JSON Lines file a kind.

    Raises EarShotError, with file, line and field, for an empty cell, a name that occurs twice in
    its kind, and a cell whose word is none of its vocabulary.
    """
    rows = {kind: list(read_json_rows(path)) for kind, path in files.items()}
    entries = {kind: [_entry(kind, row) for row in found] for kind, found in rows.items()}
    names = {kind: [entry.name for entry in found] for kind, found in entries.items()}
    known = {
        "architecture": {*ARCHITECTURES, NONE},
        "stage": set(STAGES),
        "objectives": {*names["objectives"], NONE},
        "tasks": set(names["tasks"]),
        "data": {*names["datasets"], *ORIGINS, NONE},
    }
    for kind, found in entries.items():
        for i, (entry, row) in enumerate(zip(found, rows[kind], strict=True)):
            if entry.name in names[kind][:i]:
                raise row.fault(
                    "name", repr(entry.name), "each name once", "Put an owner in front of it."
                )
            for field, words in known.items():
                if field == "data" and kind in ("objectives", "tasks"):
                    continue  # in words
                value = getattr(entry, field)
                for word in (value,) if isinstance(value, str) else value:
                    if word not in words:
                        nearest = unknown_name(field, word, words)
                        raise row.fault(field, repr(word), nearest.expected, nearest.mend)
    return Catalogue(tuple(entry for found in entries.values() for entry in found))


def _entry(kind: str, row: JsonRow) -> Entry:
    given = {
        field: row.texts(field, least=1) if field in LISTS else row.text(field)
        for field in CELLS
        if field != "kind"
    }
    for field in row.values:
        if field not in given:
            expected = f"one of {', '.join(given)}"
            raise row.fault(field, "a cell of that name", expected, "Correct its name.")
    return Entry(kind=kind, **given)  # type: ignore[arg-type]
