"""Which model, how it runs, and where: the options that all jobs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earshot.cli import console
from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from earshot.engines import Engine
    from earshot.models.embedder import Embedder

Model = Annotated[
    str, typer.Option(help="A shipped name, a run folder, a CLAP folder or hub name, a file.")
]
IndexModel = Annotated[str | None, typer.Option(help="The index's model if left out.")]
Device = Annotated[str, typer.Option(metavar="cpu|cuda|mps", help="Where the model runs.")]
Precision = Annotated[
    str | None,
    typer.Option(metavar="fp32|bf16|fast", help="fp32, or the index's, if left out."),
]
Tokenizer = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Of a .pt or .pth that brings none: a folder, or a hub name."),
]
Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="As --precision fast: bf16, under OpenVINO where it is installed; "
        "cosines to within 0.005.",
    ),
]
EngineName = Annotated[
    str, typer.Option("--engine", metavar="local|ray", help="This process, or Ray.")
]
RayAddress = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="A Ray cluster; this machine if left out."),
]


def model_options(device: str, precision: str | None, tokenizer: str | None) -> dict[str, Any]:
    """What `load` takes beside the model's name."""
    given = {"device": device, "precision": precision, "tokenizer": tokenizer}
    return {name: value for name, value in given.items() if value is not None}


def load_model(
    model: str | Path,
    device: str,
    precision: str | None,
    tokenizer: str | None,
    *,
    fast: bool = False,
) -> Embedder:
    """The model as the options ask for it; what it has to do without is said on stderr."""
    from earshot.jobs import loading

    if fast and precision not in (None, "fast"):
        raise EarShotError(
            got=f"--fast with --precision {precision}",
            expected="one of them",
            mend="Leave one out.",
        )
    options = model_options(device, "fast" if fast else precision, tokenizer)
    embedder = loading.load(model, **options)
    if embedder.note:
        console.note(embedder.note)
    return embedder


def engine_to_run(name: str, address: str | None) -> Engine:
    """The engine that --engine and --ray-address name."""
    from earshot.engines import engine_of

    return engine_of("ray" if address else name, address=address)
