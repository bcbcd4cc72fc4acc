"""Labels, and how they are said, as the command line takes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from earshot.jobs.prompts import Prompts as SaidPrompts

Prompt = Annotated[
    list[str] | None,
    typer.Option(help='How to say a label, such as "a sound of {label}"; may be repeated.'),
]
Prompts = Annotated[
    str,
    typer.Option(
        metavar="plain|descriptive|PATH", help="By name, by what labels sound like, a bank."
    ),
]


def read_labels(labels: str | None, labels_file: Path | None) -> list[str] | None:
    """Labels from "dog,rain" or from a file with one a line; None when neither is given."""
    if labels is not None and labels_file is not None:
        raise EarShotError(
            got="both --labels and --labels-file",
            expected="one of them",
            mend="Drop one.",
        )
    if labels_file is not None:
        try:
            lines = labels_file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as fault:
            raise EarShotError(
                got=f"--labels-file {labels_file}: {getattr(fault, 'strerror', None) or fault}",
                expected="a text file in UTF-8 with a label a line",
                mend="Correct the path, or save it as UTF-8.",
            ) from fault
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return None if labels is None else labels.split(",")


def read_prompts(prompt: list[str] | None, prompts: str) -> SaidPrompts:
    """How labels are said: by --prompt's templates, or as --prompts names it; not both."""
    from earshot.jobs.prompts import PLAIN, find_prompts

    if prompt and prompts != PLAIN:
        raise EarShotError(
            got="both --prompt and --prompts", expected="one of them", mend="Drop one."
        )
    return prompt or find_prompts(prompts)
