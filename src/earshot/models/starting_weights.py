"""Start one tower of a model from trained weights: of this package, of a run, or public ones."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from earshot.core.checkpoint import is_checkpoint, read_checkpoint
from earshot.core.errors import EarShotError
from earshot.encoders.whisper import WhisperSpeech
from earshot.models.public_weights import load_public_weights
from earshot.models.towers import TwoTowerConfig, start_text_from
from earshot.models.two_tower import TwoTower


def start_text(model: TwoTower, source: str) -> list[str]:
    """Start the text tower from `source`; gives the parameters that the source lacks.

    source: a model that ships (earshot-small) or a run folder, whose text tower has the same
    shape and whose projection comes along; for a published text tower a folder of `transformers`
    or a hub name. Raises EarShotError when shapes differ or nothing is there.
    """
    folder = checkpoint_folder(source)
    if folder is not None:
        _copy_text(model, folder, source)
        return []
    return start_text_from(model, source)


def start_audio(model: TwoTower, source: str) -> list[str]:
    """Start a Whisper tower from a published Whisper: a folder or a hub name.

    Gives the parameters that the source lacks.
    """
    encoder = model.audio_encoder
    if not isinstance(encoder, WhisperSpeech):
        raise EarShotError(
            got=f"public speech weights for a {type(encoder).__name__}",
            expected="a Whisper tower",
            mend="Set model.audio.whisper, or leave the weights out.",
        )
    from transformers import WhisperModel

    whole = WhisperModel(encoder.config.library_config())  # as the files have it, decoder and all
    missing = load_public_weights(whole, source)
    encoder.model.load_state_dict(whole.encoder.state_dict())
    return [name for name in missing if name.startswith("encoder.")]


def check_text_is_trained(config: TwoTowerConfig, source: str | None) -> None:
    """Refuse a text tower that is to be locked and would stay at random, or half of it.

    source: where `start_text` starts it, None for nowhere. Public weights bring no projection.
    """
    if source is None:
        got = "a locked text tower at random"
    elif config.text_projection != "none" and checkpoint_folder(source) is None:
        got = f"a locked text tower from {source} under a projection at random"
    else:
        return
    raise EarShotError(
        got=got,
        expected="one that was trained, with what leads from it to the shared space",
        mend="Start from a model with --model, set text_weights to one, or take public "
        "text_weights with model.text_projection=none and model.dim of that encoder.",
    )


def checkpoint_folder(source: str) -> Path | None:
    """The checkpoint of ours under that name or path, if there is one."""
    shipped = Path(str(resources.files("earshot"))) / "weights" / source
    return next((folder for folder in (shipped, Path(source)) if is_checkpoint(folder)), None)


def _copy_text(model: TwoTower, folder: Path, source: str) -> None:
    weights = read_checkpoint(folder).weights()
    try:
        for name in ("text_encoder", "text_projection"):
            own = {
                key.removeprefix(f"{name}."): value
                for key, value in weights.items()
                if key.startswith(f"{name}.")
            }
            getattr(model, name).load_state_dict(own)
    except RuntimeError as fault:
        raise EarShotError(
            got=f"the text tower of {source} for one of another shape",
            expected="the same tokenizer, sizes and projection",
            mend=f"Take model.text, model.projection and model.dim from its config. {fault}",
        ) from fault
