"""`earshot data`: check a data set, make one, or see what two of them share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from earshot.cli import console, data_make, data_overlap

if TYPE_CHECKING:
    from earshot.data.faults import LoadFault

SHOWN = 20  # faults of one kind; --json and --all give them all

data_app = typer.Typer(
    name="data",
    help="Check a data set, make one, or see what two of them share.",
    no_args_is_help=True,
    add_completion=False,
)
data_make.register(data_app)
data_overlap.register(data_app)


def register(app: typer.Typer) -> None:
    """Add `earshot data` to the command line."""
    app.add_typer(data_app)


@data_app.command()
def check(
    path: Path = typer.Argument(help="A manifest, a folder of sounds, or a published set."),
    layout: str = typer.Option("auto", help="What lies there, where it is not recognised."),
    column: list[str] = typer.Option(
        [], help="Name a column, such as caption=text or label_separator=';'; may be repeated."
    ),
    audio: bool = typer.Option(True, "--audio/--no-audio", help="Decode every sound, too."),
    workers: int = typer.Option(2, min=1, help="Sounds decoded at once."),
    every: bool = typer.Option(False, "--all", help=f"List more than {SHOWN} faults of a kind."),
    json: bool = typer.Option(False, "--json", help="JSON Lines: the faults, then a summary."),
) -> None:
    """Report every fault of a data set by file and line, and what the set holds.

    Exit 0: nothing to report. Exit 2: faults. Exit 1: nothing could be checked.
    """
    from earshot.data.check import check_clips
    from earshot.data.columns import parse_columns

    report = check_clips(
        path,
        layout=layout,
        columns=parse_columns(column),
        audio=audio,
        workers=workers,
        progress=_progress,
    )
    if json:
        for fault in report.faults:
            console.json_line(_row(fault))
        console.json_line({"type": "summary", **report.summary()})
    else:
        _print_faults(report.faults, len(report.faults) if every else SHOWN)
        _print_summary(report.summary())
    if report.faults:
        raise typer.Exit(2)


def _progress(items: Iterable[Any], n: int) -> Iterable[Any]:
    from tqdm import tqdm

    return tqdm(items, total=n, desc="decoding", unit="sound", disable=None, leave=False)


def _row(fault: LoadFault) -> dict[str, Any]:
    """A fault as one JSON object."""
    return {
        "type": "fault",
        "kind": fault.kind,
        "severity": fault.severity,
        "file": fault.file,
        "line": fault.line,
        "field": fault.field,
        "clip": fault.clip,
        "got": fault.got,
        "expected": fault.expected,
        "mend": fault.mend,
    }


def _print_faults(faults: Iterable[LoadFault], most: int) -> None:
    by_kind: dict[str, list[LoadFault]] = defaultdict(list)
    for fault in faults:
        by_kind[fault.kind].append(fault)
    for kind, some in by_kind.items():
        print(f"{kind.replace('_', ' ')}: {len(some)}")
        for fault in some[:most]:
            print(f"  {_shown(str(fault))}")
        if len(some) > most:
            print(f"  ... and {len(some) - most} more (--all lists them)")
        print()


def _print_summary(facts: Mapping[str, Any]) -> None:
    print(f"{_shown(facts['name'])}: {facts['n_clips']} clips, {facts['hours']:.2f} h")
    if facts["shortest_s"] is not None:
        print(f"  length       {facts['shortest_s']:g} s to {facts['longest_s']:g} s")
    for title, key in (
        ("rates", "sample_rates"),
        ("captions", "captions_per_clip"),
        ("splits", "splits"),
        ("labels", "labels"),
    ):
        if facts[key]:
            print(f"  {title:<12} {_counts(facts[key])}")
    if facts["n_groups"]:
        print(f"  recordings   {facts['n_groups']}")
    print(f"{facts['n_faults']} faults" if facts["n_faults"] else "No faults.")


def _counts(counts: Mapping[str, int], most: int = 12) -> str:
    """`dog 40, rain 38, ... (10 in all)`."""
    shown = [f"{_shown(name)} x {n}" for name, n in list(counts.items())[:most]]
    more = f", ... ({len(counts)} in all)" if len(counts) > most else ""
    return ", ".join(shown) + more


def _shown(text: str) -> str:
    """`text` on one line: file names may hold line breaks."""
    return console.one_line(text)
