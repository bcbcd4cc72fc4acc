"""earshot run: train one paper's recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earshot.cli import console

if TYPE_CHECKING:
    from earshot.models.start import Start


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(run)


def run(
    recipe: Annotated[str, typer.Argument(metavar="KEY", help="`earshot papers` lists them.")],
    preset: Annotated[
        str | None, typer.Option(help="small (the default), paper, or another of the recipe's.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A manifest or folder; procedural clips if left out.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change one setting."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Go on from this model, instead of from random weights.")
    ] = None,
    audio_model: Annotated[
        str | None, typer.Option(help="Hear with the encoder of this model: a run, or a file.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; runs/KEY if left out.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    iterations: Annotated[
        int | None, typer.Option(help="Rounds of tokenizer and encoder, such as of beats.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as one JSON object.")] = False,
) -> None:
    """Train one paper's recipe: earshot run clap --set fit.steps=50

    The run's folder then serves as --model. A killed run goes on with --resume, and ends with the
    same weights. Several processes: torchrun --nproc-per-node 2 -m earshot run clap
    """
    from earshot.recipes import find_recipe
    from earshot.training.processes import this_process

    module = find_recipe(recipe)
    folder = Path("runs") / recipe if out is None else out
    words = [*(changes or []), *([] if seed is None else [f"seed={seed}"])]
    words += [] if iterations is None else [_iterations(module, iterations)]
    config = _config(module, recipe, preset, words, folder if resume else None)
    if audio_model is not None:
        model = _only(model, audio_model)
    model = model or _begun_from(folder, resume)
    further = {} if model is None or not _hears(module) else {"ears": _ears(module, model)}
    start = None if further else _start(module, model, config)
    if start is not None and start.config is not None and _is_of(start, config):
        config = replace(config, model=start.config)
        if start.model.long_clips is None and hasattr(config, "max_s"):  # crops fit its window
            config = replace(config, max_s=min(config.max_s, start.model.window_s))
    clips = None
    if data is not None:
        from earshot.data import open_clips

        clips = getattr(module, "open_data", open_clips)(data)
    further |= {} if start is None else {"start": start}
    report = module.run(config, clips, folder, resume=resume, **further)
    if not this_process().is_main:
        return
    if as_json:
        console.json_line({"recipe": recipe, "out": str(folder), "values": report.values})
    else:
        print(report.to_text())
        embeds = _trains_two_towers(module) or _trains_an_encoder(module)
        serves = ": pass it as --model" if embeds else ""
        console.note(f"The run is in {folder}{serves}.")


def _iterations(module: Any, n: int) -> str:
    """The change that --iterations asks for, where the recipe goes round at all."""
    import dataclasses

    from earshot.core.errors import EarShotError

    if "iterations" not in {field.name for field in dataclasses.fields(module.Config)}:
        raise EarShotError(
            got=f"--iterations {n} for {module.PAPER.key}",
            expected="a recipe that trains in rounds, such as beats",
            mend="Leave --iterations out.",
        )
    return f"iterations={n}"


def _trains_two_towers(module: Any) -> bool:
    """Whether the recipe's runs are models that the jobs take, and can go on from one."""
    import inspect

    return "start" in inspect.signature(module.run).parameters


def _hears(module: Any) -> bool:
    """Whether the recipe's models hear with an encoder that was trained before."""
    import inspect

    return "ears" in inspect.signature(module.run).parameters


def _ears(module: Any, model: str) -> Any:
    """The encoder that is asked for, for a recipe whose models hear with one."""
    from earshot.core.errors import EarShotError
    from earshot.jobs.starting import EARS, find_ears

    if not model.startswith(EARS):
        raise EarShotError(
            got=f"--model {model} for {module.PAPER.key}",
            expected="an encoder that it hears with",
            mend="Pass it as --audio-model.",
        )
    return find_ears(model.removeprefix(EARS))


def _trains_an_encoder(module: Any) -> bool:
    """Whether the recipe's runs are encoders of sound."""
    from typing import get_type_hints

    from earshot.models.audio_tower import SoundEncoderConfig

    return get_type_hints(module.Config).get("model") is SoundEncoderConfig


def _is_of(start: Start, config: Any) -> bool:
    """Whether the run goes on from the start itself; else it takes it as a part."""
    return isinstance(getattr(config, "model", None), type(start.config))


def _only(model: str | None, audio_model: str) -> str:
    """What the start is called that hears with `audio_model`."""
    from earshot.core.errors import EarShotError
    from earshot.jobs.starting import EARS

    if model is not None:
        raise EarShotError(
            got=f"--model {model} and --audio-model {audio_model}",
            expected="one of them",
            mend="--model goes on from a whole model, --audio-model from an encoder alone.",
        )
    return EARS + audio_model


def _start(module: Any, model: str | None, config: Any) -> Start | None:
    """The model to go on from, where one is asked for and the recipe trains such models."""
    from earshot.core.errors import EarShotError
    from earshot.jobs.starting import EARS, find_start, start_with_encoder

    if model is None:
        return None
    if not _trains_two_towers(module):
        raise EarShotError(
            got=f"{model} as the start of {module.PAPER.key}",
            expected="a recipe that trains two-tower models",
            mend="Leave --model and --audio-model out.",
        )
    if model.startswith(EARS):
        return start_with_encoder(model.removeprefix(EARS), config.model, config.seed)
    return find_start(model)


def _begun_from(folder: Path, resume: bool) -> str | None:
    """What the run to be resumed went on from."""
    from earshot.core.files import is_file
    from earshot.training.run_folder import RUN_NAME, read_run

    return read_run(folder).get("start") if resume and is_file(folder / RUN_NAME) else None


def _config(
    module: Any, recipe: str, preset: str | None, changes: list[str], resumed: Path | None
) -> Any:
    """The preset with its changes; a resumed run keeps the config that it began with."""
    from earshot.core.config import from_dict, override
    from earshot.core.errors import unknown_name
    from earshot.core.files import is_file
    from earshot.training.run_folder import RUN_NAME, read_run

    presets = [name for name, made in vars(module.Config).items() if isinstance(made, classmethod)]
    if resumed is not None and preset is None and is_file(resumed / RUN_NAME):
        begun = read_run(resumed)
        if begun["recipe"] == recipe:
            return override(from_dict(module.Config, begun["config"]), changes)
    if preset is not None and preset not in presets:
        raise unknown_name("preset", preset, presets)
    return override(getattr(module.Config, preset or "small")(), changes)
