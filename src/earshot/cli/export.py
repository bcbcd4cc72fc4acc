"""`earshot export`: a model in other programs' formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earshot.cli import console
from earshot.core.errors import EarShotError, unknown_name

FORMS = ("auto", "earshot", "clap")
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
Model = Annotated[str, typer.Argument(help="A model: what --model of other commands takes.")]
Out = Annotated[Path, typer.Argument(help="The folder to write.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    export = typer.Typer(
        help="Write a model in other programs' formats.",
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    export.command()(hf)
    export.command()(onnx)
    app.add_typer(export, name="export")


def hf(
    model: Model,
    out: Out,
    form: Annotated[
        str,
        typer.Option(help="earshot, or clap for transformers' ClapModel; auto picks what fits."),
    ] = "auto",
    license: Annotated[str | None, typer.Option(help="For the card, such as apache-2.0.")] = None,
    name: Annotated[str | None, typer.Option(help="The card's title.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a folder for a hub: config.json, model.safetensors, processor, tokenizer, card.

    The folder is loaded again and held against the model before the command ends.
    """
    if form not in FORMS:
        raise unknown_name("form", form, FORMS)
    from earshot.adapters.hub_folder import save_folder

    saved = save_folder(model, out, form=form, license=license, name=name)  # type: ignore[arg-type]
    if as_json:
        console.json_line(
            {
                "folder": str(saved.folder),
                "form": saved.form,
                "fingerprint": saved.fingerprint,
                "max_difference": saved.max_difference,
            }
        )
        return
    reader = "earshot.load" if saved.form == "earshot" else "transformers' ClapModel"
    console.note(
        f"{saved.folder}: for {reader}; fingerprint {saved.fingerprint}, embeddings differ by at "
        f"most {saved.max_difference:.2g}."
    )


def onnx(
    model: Model,
    out: Out,
    batch_size: Annotated[
        int, typer.Option(help="For encoders that take batches of one size alone.", min=1)
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Write audio.onnx and text.onnx, checked against torch; the front end is inside.

    A graph whose rows differ by more than 0.001 is refused. onnx.json beside them says what they
    take; text goes in as ids of the model's tokenizer, whose files are written too.
    """
    try:
        for package in ONNX_PACKAGES:
            __import__(package)
    except ModuleNotFoundError as fault:
        raise EarShotError(
            got=f"no package {fault.name}",
            expected="onnx, onnxscript and onnxruntime",
            mend="Install them: pip install 'earshot[export]'.",
        ) from fault
    from earshot.adapters.hub_folder import save_tokenizer
    from earshot.adapters.onnx_export import export_onnx
    from earshot.jobs.loading import load

    embedder = load(model)
    towers = export_onnx(embedder, out, batch_size=batch_size)
    save_tokenizer(embedder.model.tokenizer, out)
    for tower in towers:
        if as_json:
            row = {"file": tower.file, "inputs": tower.inputs}
            console.json_line(row | {"max_difference": tower.max_difference})
            continue
        inputs = ", ".join(
            f"{name} [{', '.join(map(str, dims))}]" for name, dims in tower.inputs.items()
        )
        console.note(
            f"{out / tower.file}: {inputs}; differs from torch by at most "
            f"{tower.max_difference:.2g}."
        )
