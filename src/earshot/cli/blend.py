"""earshot blend: train a model further with several alignment methods at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earshot.cli import console

METHODS = "cwcl,negatives,rewrites,harmony"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(blend)


def blend(
    model: Annotated[str, typer.Option(help="The model to go on from.")] = "earshot-small",
    methods: Annotated[
        str, typer.Option("--with", metavar="A,B", help="Which methods; none with ''.")
    ] = METHODS,
    data: Annotated[
        Path | None,
        typer.Option(help="Clips with captions, and with labels; procedural ones if left out."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change one setting: fit.steps=500."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The run's folder.")] = Path("runs/blend"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as one JSON object.")] = False,
) -> None:
    """Train a model further with several alignment methods at once.

    cwcl: captions count for each other by their likeness, the text tower is locked. negatives:
    clips composed of labelled sounds meet false captions. rewrites: captions are also said by what
    the sounds are like. harmony: samples whose two captions pull apart are realigned or left out.
    The folder then serves as --model. What each of them adds: docs/blend.md.
    """
    from earshot.jobs.blending import blend_model

    names = [name.strip() for name in methods.split(",") if name.strip()]
    report = blend_model(
        model, out, methods=names, data=data, changes=changes or (), seed=seed, resume=resume
    )
    if as_json:
        console.json_line({"out": str(out), "methods": names, "values": report.values})
    else:
        print(report.to_text())
        console.note(f"The run is in {out}: pass it as --model.")
