"""`earshot doctor`: what is installed and what works without it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from earshot.cli import console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a part.")] = False,
) -> None:
    """Say what is installed and what works without the rest.

    Exit status 1 when something is missing that EarShot cannot do without.
    """
    from earshot.jobs.doctor import doctor as run

    findings = run()
    for each in findings:
        if as_json:
            console.json_line(asdict(each))
            continue
        state = "ok" if each.ok else ("MISSING" if each.needed else "not there")
        print(f"{state:<10} {each.name:<14} {each.version:<18} {each.serves}")
        if each.advice:
            print(f"{'':<10} {each.advice}")
    if not all(each.ok for each in findings if each.needed):
        raise typer.Exit(1)
