"""`earshot decode`: which segment of speech a brain heard."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console
from earshot.cli.model_options import Device

if TYPE_CHECKING:
    from earshot.jobs.decode_brain import DecodedWindow


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(decode)


def decode(
    study: Annotated[
        Path | None, typer.Argument(help="A BIDS folder; the run's own study if left out.")
    ] = None,
    model: Annotated[
        Path, typer.Option(metavar="RUN", help="The folder of a run: earshot run brain_decoding.")
    ] = Path("runs/brain_decoding"),
    which: Annotated[
        str, typer.Option(metavar="test|all", help="Words kept from training, or every word.")
    ] = "test",
    top: Annotated[int, typer.Option(min=1, help="Candidates to show for each word.")] = 3,
    device: Device = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a word.")] = False,
) -> None:
    """Find which segment of speech was heard, in recordings of MEG or EEG.

    For every word: the rank of the segment that was heard among all that may have been, and what
    came first. Accuracy and chance stand at the end. Perceived speech only: it says nothing of
    what anybody thinks.
    """
    from earshot.jobs.decode_brain import decode_brain

    found = decode_brain(model, study, which=which, top=top, device=device)  # type: ignore[arg-type]
    for window in found.windows:
        if as_json:
            console.json_line(dataclasses.asdict(window))
        else:
            print(_line(window))
    for note in found.notes:
        console.note(note)
    for k in (1, 5, 10):
        console.note(
            f"Among the first {k} of {found.windows[0].n_candidates}: "
            f"{found.figures[f'top{k}']:.1%} (chance {found.figures[f'chance_top{k}']:.1%})."
        )


def _line(window: DecodedWindow) -> str:
    best = ", ".join(f"{each.word} ({each.segment}) {each.probability:.3f}" for each in window.best)
    return (
        f"{window.recording} {window.onset_s:.2f} s: {window.word} ({window.segment}), "
        f"rank {window.rank} of {window.n_candidates}; {best}"
    )
