"""`earshot check`: known sounds and captions through any model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(check)


def check(
    model: Annotated[
        str,
        typer.Argument(help="A shipped name, a run folder, a CLAP folder or hub name, a file."),
    ] = "earshot-small",
    tokenizer: Annotated[
        str | None,
        typer.Option(help="The text tower's tokenizer: a folder or a hub name."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a finding.")] = False,
) -> None:
    """Test whether a model's two towers belong together, before you rely on it.

    Fails, with exit status 1, when the towers are not aligned, when all texts or all sounds look
    the same to it, when it is fed at the wrong rate, or when its figures do not repeat.
    """
    from dataclasses import asdict

    from earshot.jobs.check import check_model

    embedder = _load(model, tokenizer)
    console.note(embedder.report.to_text())
    findings = check_model(embedder)
    for finding in findings:
        if as_json:
            console.json_line({"model": model, **asdict(finding)})
        else:
            mark = "ok  " if finding.ok else "FAIL"
            typer.echo(
                f"{mark}  {finding.check:<17}  {finding.value:8.4f}  {finding.words} "
                f"(expected: {finding.expected})"
            )
    failed = [finding for finding in findings if not finding.ok]
    if failed:
        faults = "; ".join(finding.words for finding in failed)
        console.error(f"{model} fails {len(failed)} of {len(findings)} checks: {faults}.")
        raise typer.Exit(1)


def _load(model: str, tokenizer: str | None) -> Embedder:
    """Any model by name; a published checkpoint with the tokenizer that was given for it."""
    if tokenizer is None:
        from earshot.jobs.loading import load

        return load(model)
    from earshot.models.loading import load_foreign

    return load_foreign(model, tokenizer=tokenizer)
