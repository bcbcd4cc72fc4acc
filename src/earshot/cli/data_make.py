"""`earshot data make`: a folder of procedural sound with captions and a manifest."""

from __future__ import annotations

import json as json_format
from pathlib import Path

import typer

from earshot.cli import console


def register(data_app: typer.Typer) -> None:
    """Add `make` to `earshot data`."""
    data_app.command()(make)


def make(
    out: Path = typer.Argument(help="The folder to fill; an interrupted run goes on."),
    kind: str = typer.Option("scenes", help="scenes, sounds, tunes or speech."),
    n: int = typer.Option(500, min=1, help="How many clips."),
    seed: int = typer.Option(0, min=0, help="Clip i is the same for the same seed."),
    format: str = typer.Option("flac", help="flac or wav."),
    changes: list[str] = typer.Option(
        [], "--set", metavar="FIELD=VALUE", help="Change a setting, such as duration_s=2."
    ),
    json: bool = typer.Option(False, "--json", help="One JSON object a clip on stdout."),
) -> None:
    """Make clips of procedural sound, with captions and exact labels, and their manifest."""
    from tqdm import tqdm

    from earshot.core.config import override
    from earshot.core.errors import unknown_name
    from earshot.synth.dataset import write_dataset
    from earshot.synth.records import CONFIGS

    if kind not in CONFIGS:
        raise unknown_name("kind of data set", kind, CONFIGS)
    config = override(CONFIGS[kind](), changes)
    with tqdm(total=n, desc=kind, unit="clip", disable=None) as bar:
        manifest = write_dataset(
            out,
            kind=kind,  # type: ignore[arg-type]
            n=n,
            seed=seed,
            format=format,  # type: ignore[arg-type]
            config=config,
            progress=lambda there, _: bar.update(there - bar.n),
        )
    if json:
        for line in manifest.read_text("utf-8").splitlines():
            row = json_format.loads(line)
            console.json_line({**row, "path": str(out / row["path"])})
    console.note(f"{n} clips of {kind}: {manifest}")
