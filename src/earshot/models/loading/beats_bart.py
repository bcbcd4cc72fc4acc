"""The released BEATs-Conformer-BART captioner: a `pytorch_model.bin` of transformers 4.22."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.decoders.cross_attention import OFFSET, CrossDecoderConfig
from earshot.encoders.post_encoder import PostEncoderConfig
from earshot.models.beats_bart import BeatsBart, BeatsBartConfig
from earshot.models.load_report import LoadReport
from earshot.models.loading.beats import load_beats
from earshot.models.loading.library_folder import CONFIG, read_json
from earshot.models.loading.weights import Placement, read_safetensors, read_torch, tensors_of

FILES = ("pytorch_model.bin", "model.safetensors")
WINDOW_S = 30.0
LAYER, STRIDE, N_HEADS = 10, 3, 16  # what the released config says, or leaves to the library
ENCODER, POS_CONV = "encoder.", "postencoder.pos_conv_embed.conv."
PREFIXES = {  # the file's -> ours
    "downsample_conv.": "post.downsample_conv.",
    "postencoder.": "post.postencoder.",
    "encoder_embed_mlp.": "encoder_embed_mlp.",
    "decoder.": "decoder.language_model.model.decoder.",
    "lm_head.": "decoder.language_model.lm_head.",
    "cross_embed_positions.": "decoder.cross_embed_positions.",
}
WORDS, HEAD = "decoder.embed_tokens.weight", "lm_head.weight"
NEWER = {  # torch's words for weight norm
    f"{POS_CONV}weight_g": f"{POS_CONV}parametrizations.weight.original0",
    f"{POS_CONV}weight_v": f"{POS_CONV}parametrizations.weight.original1",
}


def is_beats_bart(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are those of the released captioner."""
    return {"downsample_conv.weight", "cross_embed_positions.weight", WORDS} <= state.keys()


def read_beats_bart(source: Path) -> tuple[BeatsBart, LoadReport]:
    """The captioner of a released file, or of the folder that holds it, in eval mode.

    Sizes are those of the tensors; what they do not show is taken from the config.json beside the
    file, else as released: layer 10, stride 3, 16 heads of the decoder. The tokenizer
    (facebook/bart-base) is not in the file: set `decoder.tokenizer`. Raises EarShotError for a
    file that holds more than data, or is incomplete.
    """
    path = _file(source)
    whole = read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)
    state = tensors_of(whole, path)
    if not is_beats_bart(state):
        raise EarShotError(
            got=f"{path} with keys such as {', '.join(sorted(state)[:3])}",
            expected="downsample_conv. ..., postencoder. ..., decoder. ..., cross_embed_positions",
            mend="Pass the pytorch_model.bin of the released captioner.",
        )
    if HEAD not in state:
        state[HEAD] = state[WORDS]
    beats = {
        name.removeprefix(ENCODER): value
        for name, value in state.items()
        if name.startswith(ENCODER)
    }
    encoder, heard = load_beats(beats, path, {})
    with torch.random.fork_rng(devices=[]):
        model = BeatsBart(_sizes(state, path, replace(encoder.config, window_s=WINDOW_S)))
    placement = Placement()
    for name, value in encoder.state_dict().items():
        placement.put(f"{ENCODER}{name}", {f"encoder.{name}": value})
    for name, value in state.items():
        if not name.startswith(ENCODER):
            placement.put(name, _placed(name, value))
    missing = placement.place_into(model, path)
    renamed = {old: new for old, new in placement.renamed.items() if not old.startswith(ENCODER)}
    report = LoadReport(
        source=str(path),
        kind="BEATs-Conformer-BART captioner",
        renamed=renamed,
        missing=missing,
        unexpected=(*placement.unexpected, *(f"{ENCODER}{name}" for name in heard.unexpected)),
    )
    return model.eval(), report


def _file(source: Path) -> Path:
    if source.is_file():
        return source
    found = next((source / name for name in FILES if (source / name).is_file()), None)
    if found is None:
        raise EarShotError(
            got=f"{source} without {' or '.join(FILES)}",
            expected="the released captioner's file, or the folder it lies in",
            mend="Correct the path.",
        )
    return found


def _placed(name: str, value: Tensor) -> dict[str, Tensor]:
    """A tensor of the file under its name here; nothing for what this model has not."""
    if name == "final_logits_bias":
        return {"decoder.language_model.lm_head.bias": value.flatten()}
    name = NEWER.get(name, name)
    for old, new in PREFIXES.items():
        if name.startswith(old):
            return {new + name.removeprefix(old): value}
    return {}


def _sizes(state: Mapping[str, Tensor], path: Path, encoder: Any) -> BeatsBartConfig:
    """Sizes by the tensors' shapes; what shapes do not show, by the config beside the file."""
    beside = path.with_name(CONFIG)
    facts = read_json(beside) if beside.is_file() else {}
    try:
        dim, _, kernel = state["downsample_conv.weight"].shape
        attention = state["postencoder.layers.0.self_attn.pos_bias_u"]
        vocab_size, width = state[WORDS].shape
        head_dim, sentence_dim = (
            len(state["encoder_embed_mlp.fc1.weight"]),
            len(state["encoder_embed_mlp.fc2.weight"]),
        )
        post = PostEncoderConfig(
            dim=dim,
            stride=int(facts.get("encoder_downsample_rate", STRIDE)),
            kernel=kernel,
            depth=_depth(state, "postencoder.layers."),
            n_heads=len(attention),
            mlp_dim=len(state["postencoder.layers.0.ffn1.intermediate_dense.weight"]),
            depthwise_kernel=state["postencoder.layers.0.conv_module.depthwise_conv.weight"].shape[
                2
            ],
        )
        decoder = CrossDecoderConfig(
            vocab_size=vocab_size,
            dim=width,
            depth=_depth(state, "decoder.layers."),
            n_heads=int(facts.get("decoder_attention_heads", N_HEADS)),
            mlp_dim=len(state["decoder.layers.0.fc1.weight"]),
            most_tokens=len(state["decoder.embed_positions.weight"]) - OFFSET,
            most_positions=len(state["cross_embed_positions.weight"]) - OFFSET,
        )
        return BeatsBartConfig(
            encoder=encoder,
            layer=int(facts.get("encoder_repr_layer_idx", LAYER)),
            patches=True,
            post=post,
            head_dim=head_dim,
            sentence_dim=sentence_dim,
            decoder=decoder,
        )
    except (KeyError, IndexError, TypeError, ValueError) as fault:
        raise EarShotError(
            got=f"{path}, whose tensors are not those of the captioner ({fault})",
            expected="every weight under its released name",
            mend="The file is incomplete: download it again from its authors.",
        ) from fault


def _depth(state: Mapping[str, Tensor], prefix: str) -> int:
    """How many layers there are under a prefix."""
    return len(
        {name.removeprefix(prefix).partition(".")[0] for name in state if name.startswith(prefix)}
    )
