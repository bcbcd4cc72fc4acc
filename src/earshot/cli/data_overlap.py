"""`earshot data overlap`: recordings that two corpora share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from earshot.cli import console

if TYPE_CHECKING:
    from earshot.data.overlap import Overlap

SHOWN = 10  # recordings; --json and --all give them all


def register(data_app: typer.Typer) -> None:
    """Add `overlap` to `earshot data`."""
    data_app.command()(overlap)


def overlap(
    a: Path = typer.Argument(help="A table of clips, or the folder of a data set."),
    b: Path = typer.Argument(help="Another one."),
    ids_a: str = typer.Option(
        "", metavar="SITE=COLUMN", help="Where A has its ids, such as freesound=source_id."
    ),
    ids_b: str = typer.Option("", metavar="SITE=COLUMN", help="The same for B."),
    blacklist: Path | None = typer.Option(
        None, help="Write the clips of A to leave out, one a line, to this file."
    ),
    every: bool = typer.Option(False, "--all", help=f"List more than {SHOWN} recordings."),
    json: bool = typer.Option(False, "--json", help="JSON Lines: the recordings, then a summary."),
) -> None:
    """Find recordings that two corpora share, by their ids at YouTube, Freesound and others.

    Tables are enough: no sound is read. Exit 0: none shared. Exit 2: some. Exit 1: not comparable.
    """
    from earshot.core.errors import EarShotError
    from earshot.data.overlap import overlap_of, write_blacklist

    found = overlap_of(a, b, columns_a=_columns(ids_a), columns_b=_columns(ids_b))
    if not found.sites:
        of_a, of_b = (" and ".join(corpus.sites) for corpus in (found.a, found.b))
        raise EarShotError(
            got=f"{a}, from {of_a}, beside {b}, from {of_b}",
            expected="two corpora that draw from one site",
            mend="Ids of different sites cannot be compared; name other columns if there are any.",
        )
    if blacklist is not None:
        write_blacklist(found, blacklist)
    if json:
        for each in found.shared:
            site, key = each.source
            row = {"site": site, "id": key, "a": list(each.clips_a), "b": list(each.clips_b)}
            console.json_line({"type": "shared", **row})
        console.json_line({"type": "summary", **_summary(found)})
    else:
        _print(found, len(found.shared) if every else SHOWN)
    if found.shared:
        raise typer.Exit(2)


def _columns(given: str) -> dict[str, str]:
    from earshot.core.errors import EarShotError

    if not given:
        return {}
    site, _, column = given.partition("=")
    if not site or not column:
        raise EarShotError(
            got=f"{given!r}", expected="SITE=COLUMN", mend="Write it like freesound=source_id."
        )
    return {site.strip().lower(): column.strip()}


def _summary(found: Overlap) -> dict[str, object]:
    return {
        "n_shared": len(found.shared),
        "sites": list(found.sites),
        "a": _side(found, "a"),
        "b": _side(found, "b"),
    }


def _side(found: Overlap, side: str) -> dict[str, object]:
    corpus = getattr(found, side)
    return {
        "name": corpus.name,
        "n_clips": corpus.n_clips,
        "n_recordings": len(corpus.clips_of),
        "n_without_source": corpus.n_unknown,
        "n_shared_clips": len(getattr(found, f"clips_{side}")),
    }


def _print(found: Overlap, most: int) -> None:
    for each in found.shared[:most]:
        site, key = each.source
        clips = f"{len(each.clips_a)} and {len(each.clips_b)} clips"
        print(console.one_line(f"  {site} {key}: {clips}, {each.clips_a[0]} and {each.clips_b[0]}"))
    if len(found.shared) > most:
        print(f"  ... and {len(found.shared) - most} more (--all lists them)")
    for side, corpus in (("a", found.a), ("b", found.b)):
        n_shared = len(getattr(found, f"clips_{side}"))
        percent = 100 * n_shared / max(corpus.n_clips, 1)
        lacking = f", {corpus.n_unknown} without a source" if corpus.n_unknown else ""
        print(
            console.one_line(
                f"{corpus.name}: {n_shared} of {corpus.n_clips} clips ({percent:.1f} %) are of "
                f"recordings that the other has{lacking}"
            )
        )
    n = len(found.shared)
    print(f"{n} recordings shared." if n else "No recording shared.")
