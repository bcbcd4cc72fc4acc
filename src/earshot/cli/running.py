"""Options of the jobs over many sounds: how the model runs, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console

if TYPE_CHECKING:
    from earshot.engines import Engine
    from earshot.models.embedder import Embedder

Fast = Annotated[
    bool,
    typer.Option(
        "--fast", help="bf16, under OpenVINO where it is installed: cosines to within 0.005."
    ),
]
EngineName = Annotated[
    str, typer.Option("--engine", metavar="local|ray", help="This process, or Ray.")
]
RayAddress = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="A Ray cluster; this machine if left out."),
]


def load_to_run(model: str, fast: bool) -> Embedder:
    """The model, quick if so wished; what it has to do without is said on stderr."""
    from earshot.jobs.loading import load

    embedder = load(model, precision="fast" if fast else "fp32")
    if embedder.note:
        console.note(embedder.note)
    return embedder


def engine_to_run(name: str, address: str | None) -> Engine:
    """The engine that --engine and --ray-address name."""
    from earshot.engines import engine_of

    return engine_of("ray" if address else name, address=address)
