"""Which model, and how it runs: the options that all jobs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

Model = Annotated[
    str, typer.Option(help="A shipped name, a run folder, a CLAP folder or hub name, a file.")
]
IndexModel = Annotated[str | None, typer.Option(help="The index's model if left out.")]
Device = Annotated[str, typer.Option(metavar="cpu|cuda|mps", help="Where the model runs.")]
Precision = Annotated[
    str | None, typer.Option(metavar="fp32|bf16", help="fp32, or the index's, if left out.")
]
Tokenizer = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Of a .pt or .pth that brings none: a folder, or a hub name."),
]


def model_options(device: str, precision: str | None, tokenizer: str | None) -> dict[str, Any]:
    """What `load` takes beside the model's name."""
    given = {"device": device, "precision": precision, "tokenizer": tokenizer}
    return {name: value for name, value in given.items() if value is not None}


def load_model(
    model: str | Path, device: str, precision: str | None, tokenizer: str | None
) -> Embedder:
    """The model as the options ask for it."""
    from earshot.jobs import loading

    return loading.load(model, **model_options(device, precision, tokenizer))
