"""A model of ours as a CLAP directory of `transformers`, so that others can read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.files import replacing, write_text
from earshot.encoders.htsat import Htsat
from earshot.encoders.pretrained_text import PretrainedText
from earshot.layers.projection import MlpProjection
from earshot.models.loading.library_folder import CONFIG, FRONT_END, WEIGHTS
from earshot.models.loading.transformers_clap import FILLS_BY_PADDING, PREFIXES
from earshot.models.two_tower import TwoTower
from earshot.text.pretrained import PretrainedTokenizer


def save_transformers(model: TwoTower, folder: Path) -> None:
    """Write `model` as a CLAP directory that `transformers`' ClapModel and processor read.

    Only models of that shape fit: HTSAT, a RoBERTa-like tower read at its pooler, LAION's
    projections. The original front end's 16-bit rounding has no place in the format and is lost:
    embeddings then differ by about 1e-4.
    """
    from safetensors.torch import save_file

    _check_shape_of(model)
    state: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        ours = next((prefix for prefix in PREFIXES if name.startswith(prefix)), None)
        if ours is not None:
            new = PREFIXES[ours] + name.removeprefix(ours)
            state[new] = tensor.detach().cpu().clone().contiguous()
    scale = model.logit_scale.detach().cpu()
    state |= {"logit_scale_a": scale.clone(), "logit_scale_t": scale.clone()}
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / WEIGHTS) as part:
        save_file(state, part, metadata={"format": "pt"})
    write_text(folder / CONFIG, json.dumps(_config_of(model), indent=2, sort_keys=True) + "\n")
    front_end = json.dumps(_preprocessor_of(model), indent=2, sort_keys=True)
    write_text(folder / FRONT_END, front_end + "\n")
    if isinstance(model.tokenizer, PretrainedTokenizer):
        model.tokenizer.save(folder)


def fits_transformers(model: TwoTower) -> bool:
    """Whether `save_transformers` has words for the model's shape."""
    return (
        isinstance(model.audio_encoder, Htsat)
        and isinstance(model.text_encoder, PretrainedText)
        and model.text_encoder.reading == "pooler"
        and model.text_encoder.model.config.model_type in ("clap_text_model", "roberta")
        and isinstance(model.audio_projection, MlpProjection)
        and isinstance(model.text_projection, MlpProjection)
        and (model.audio_encoder.model.config.fusion_type or "aff_2d") == "aff_2d"
        and model.fill in FILLS_BY_PADDING.values()
    )


def _check_shape_of(model: TwoTower) -> None:
    """Refuse models that the format has no words for."""
    if not fits_transformers(model):
        raise EarShotError(
            got=f"{type(model.audio_encoder).__name__} with {type(model.text_encoder).__name__}",
            expected="HTSAT (unfused or aff), RoBERTa and LAION's projections",
            mend="Other models have no place in that format; keep them as EarShot run folders.",
        )


def _config_of(model: TwoTower) -> dict[str, Any]:
    """The model's config.json."""
    from transformers import ClapConfig, ClapTextConfig

    text = model.text_encoder.model.config.to_dict()
    names = set(ClapTextConfig().to_dict()) - {
        "model_type",
        "architectures",
        "transformers_version",
    }
    dim = model.audio_projection.dim
    config = ClapConfig(
        text_config={name: value for name, value in text.items() if name in names},
        audio_config=model.audio_encoder.model.config.to_dict(),
        projection_dim=dim,
    )
    return config.to_dict() | {"architectures": ["ClapModel"]}


def _preprocessor_of(model: TwoTower) -> dict[str, Any]:
    """The model's preprocessor_config.json."""
    mel = model.features.config
    return {
        "feature_extractor_type": "ClapFeatureExtractor",
        "processor_class": "ClapProcessor",
        "feature_size": mel.n_mels,
        "sampling_rate": mel.sample_rate,
        "hop_length": mel.hop_length,
        "fft_window_size": mel.n_fft,
        "frequency_min": mel.f_min,
        "frequency_max": mel.f_max,
        "max_length_s": _whole(model.window_s),
        "truncation": "fusion" if model.audio_encoder.fused else "rand_trunc",
        "padding": next(p for p, fill in FILLS_BY_PADDING.items() if fill == model.fill),
        "padding_value": 0.0,
        "return_attention_mask": False,
        "top_db": None,
    }


def _whole(seconds: float) -> int | float:
    """10 for 10.0: the library multiplies it into a number of samples."""
    return int(seconds) if seconds == int(seconds) else seconds
