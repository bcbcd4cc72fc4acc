"""Options of every command that may ask a language model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LlmUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="An OpenAI-compatible endpoint; by rule if left out."),
]
LlmModel = Annotated[
    str | None, typer.Option(metavar="NAME", help="The model there; needed with --llm.")
]
LlmCache = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Kept answers; OUT.llm if left out.")
]
Concurrency = Annotated[int, typer.Option(min=1, help="Requests under way at a time.")]
