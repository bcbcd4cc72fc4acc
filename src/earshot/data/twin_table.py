"""Tables of twin pairs as CompA releases them: two captions, two sounds, and sometimes a third."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.core.files import is_file, is_folder
from earshot.data.faults import LoadFault
from earshot.data.tables import Row, Table, read_table

PAIR = ("pair_caption", "pair_file"), ("reversed_pair_caption", "reversed_pair_file")
TRIPLET = ("triplet_caption", "triplet_file")
NEEDED = tuple(name for fields in PAIR for name in fields)


@dataclass(frozen=True)
class TwinRow:
    """One item: caption i is true of sound i alone; two of each, or three."""

    line: int
    captions: tuple[str, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True)
class TwinTable:
    """The items that can be used, and what is wrong with the others."""

    name: str
    rows: tuple[TwinRow, ...]
    faults: tuple[LoadFault, ...]


def read_twin_table(path: Path, audio_folder: Path | None = None) -> TwinTable:
    """The items of CompA-order's or CompA-attribute's table; its other columns are ignored.

    `audio_folder` holds the sounds; the table's own folder where left out. A name is looked up as
    it stands, then without its folders. Rows that cannot be used stand in `faults`, by line and
    field. Raises EarShotError when the file is no table of twins or no row of it can be used.
    Source: arXiv:2310.08753, Sec. 3 and the released CSV files.
    """
    table = read_table(path, need=NEEDED)
    folder = path.parent if audio_folder is None else audio_folder
    if not is_folder(folder):
        raise EarShotError(
            got=f"{folder}, which is not a folder",
            expected="the folder with the sounds that the table names",
            mend="Correct the path.",
        )
    faults = list(table.faults)
    rows = [row for each in table.rows if (row := _row(table, each, folder, faults)) is not None]
    if not rows:
        raise EarShotError(
            got=f"{path.name} with {len(table.rows)} rows, of which none can be used",
            expected="captions and sounds in pairs",
            mend=f"The first fault: {faults[0]}" if faults else "Download the file again.",
        )
    return TwinTable(path.stem, tuple(rows), tuple(faults))


def _row(table: Table, row: Row, folder: Path, faults: list[LoadFault]) -> TwinRow | None:
    """The item of a row; None, with its faults told, where it cannot be used."""
    n_before = len(faults)
    fields = [*PAIR]
    if any(str(row.values.get(name) or "").strip() for name in TRIPLET):
        fields.append(TRIPLET)
    captions, files = [], []
    for caption_field, file_field in fields:
        captions.append(_cell(table, row, caption_field, faults))
        name = _cell(table, row, file_field, faults)
        files.append(_find(table, row, file_field, name, folder, faults) if name else folder)
    told = [" ".join(caption.lower().split()) for caption in captions if caption]
    if len(set(told)) < len(told):
        faults.append(
            LoadFault(
                "same_caption",
                table.path.name,
                f"{captions[0]!r} for two sounds",
                "a caption for each that is false of the other",
                "Correct one of them, or take the row out.",
                row.line,
                fields[-1][0],
            )
        )
    return TwinRow(row.line, tuple(captions), tuple(files)) if len(faults) == n_before else None


def _cell(table: Table, row: Row, field: str, faults: list[LoadFault]) -> str:
    """The text of a cell, its fault told when it is empty."""
    text = str(row.values.get(field) or "").strip()
    if not text:
        faults.append(
            LoadFault(
                "empty_cell",
                table.path.name,
                "nothing",
                "a caption" if field.endswith("caption") else "the name of a sound",
                "Fill it in, or take the row out.",
                row.line,
                field,
            )
        )
    return text


def _find(
    table: Table, row: Row, field: str, name: str, folder: Path, faults: list[LoadFault]
) -> Path:
    """The sound of that name."""
    for path in (folder / name, folder / Path(name).name):
        if is_file(path):
            return path
    faults.append(
        LoadFault(
            "missing_audio",
            table.path.name,
            f"{name!r}, which is not there",
            f"a sound under {folder.resolve()}",
            "Correct the name, or pass the folder that holds the sounds.",
            row.line,
            field,
        )
    )
    return folder
