"""w2v-BERT as others save it: `transformers` folders, and files of fairseq or fairseq2.

`facebook/w2v-bert-2.0` is such a folder. A file with the heads of pre-training also loads as what
goes on with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.conformer import Conformer, ConformerConfig
from earshot.features import KaldiFbankConfig
from earshot.layers.gumbel_quantizer import GumbelQuantizerConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.load_report import LoadReport
from earshot.models.loading.library_folder import CONFIG, front_end_facts, read_json, read_weights
from earshot.models.loading.weights import Placement
from earshot.models.pretraining.w2v_bert import W2vBertConfig, W2vBertForPreTraining
from earshot.models.sound_encoder import SoundEncoder

KIND, PREFIX = "wav2vec2-bert", "wav2vec2_bert."
WINDOW_S = 30.0
RIGHT = 8  # what attention tells apart after a position, in every published size
HEADS = ("quantizer.", "project_hid.", "project_q.", "mlm_head.")
LAYER = r"encoder\.layers\.(\d+)\."
FAIRSEQ = (  # patterns of fairseq's and fairseq2's names -> the library's; the first that fits
    (r"(?:post_extract_proj|encoder_frontend\.model_dim_proj)\.", "feature_projection.projection."),
    (r"(?:encoder_frontend\.post_extract_)?layer_norm\.", "feature_projection.layer_norm."),
    (r"(?:mask_emb|masker\.temporal_mask_embed)$", "masked_spec_embed"),
    (LAYER + r"ffn(\d)\.layer_norm\.", r"encoder.layers.\1.ffn\2_layer_norm."),
    (LAYER + r"ffn(\d)\.(?:w_1|inner_proj)\.", r"encoder.layers.\1.ffn\2.intermediate_dense."),
    (LAYER + r"ffn(\d)\.(?:w_2|output_proj)\.", r"encoder.layers.\1.ffn\2.output_dense."),
    (LAYER + r"self_attn\.([qkv])_proj\.", r"encoder.layers.\1.self_attn.linear_\2."),
    (LAYER + r"self_attn\.output_proj\.", r"encoder.layers.\1.self_attn.linear_out."),
    (
        LAYER + r"self_attn\.sdpa\.rel_k_embed\.",
        r"encoder.layers.\1.self_attn.distance_embedding.",
    ),
    (LAYER + r"conv_layer_norm\.", r"encoder.layers.\1.conv_module.layer_norm."),
    (
        LAYER + r"(?:conv\.layer_norm|conv_module\.layer_norm2)\.",
        r"encoder.layers.\1.conv_module.depthwise_layer_norm.",
    ),
    (LAYER + r"conv\.", r"encoder.layers.\1.conv_module."),
    (LAYER + r"layer_norm\.", r"encoder.layers.\1.final_layer_norm."),
    (r"quantizer\.(?:vars|entries)$", "quantizer.codevectors"),
    (r"quantizer\.entry_proj\.", "quantizer.weight_proj."),
    (r"quantizer\.num_updates$", "quantizer.n_updates"),
    (r"final_target_proj\.", "project_q."),
    (r"final_proj\.", "project_hid."),
    (r"(?:mlm_proj|final_bert_proj)\.", "mlm_head."),
)


def is_w2v_bert_folder(folder: Path) -> bool:
    """Whether a folder's config.json names this model."""
    path = folder / CONFIG
    return path.is_file() and read_json(path).get("model_type") == KIND


def is_w2v_bert_state(state: Mapping[str, Tensor]) -> bool:
    """Whether a file's keys are those of this model, in any of its spellings."""
    names = {_library_name(name) for name in state}
    block = "encoder.layers.0."
    own = {block + "ffn1.intermediate_dense.weight", block + "conv_module.depthwise_conv.weight"}
    return own <= names and "feature_projection.projection.weight" in names


def load_w2v_bert_folder(folder: Path) -> tuple[SoundEncoder, LoadReport]:
    """The encoder of a `transformers` folder, whatever head it was saved with."""
    config = encoder_config(read_json(folder / CONFIG), folder / CONFIG)
    _, front = front_end_facts(folder)
    rate, n_mels = front.get("sampling_rate", 16_000), front.get("num_mel_bins", 80)
    if rate != 16_000 or n_mels * config.n_stacked != config.frame_dim:
        raise EarShotError(
            got=f"{folder} with a front end of {n_mels} bands at {rate} Hz",
            expected=f"{config.n_mels} bands at 16000 Hz, {config.n_stacked} frames to a position",
            mend="Copy preprocessor_config.json of the same model beside config.json.",
        )
    model = build_sound_encoder(_sound_config(config))
    report = _place(model, read_weights(folder), folder, f"transformers {KIND}")
    return model.eval(), report


def load_w2v_bert_state(state: Mapping[str, Tensor], path: Path) -> tuple[SoundEncoder, LoadReport]:
    """The encoder of a file of fairseq or fairseq2; its sizes are read off its tensors."""
    model = build_sound_encoder(_sound_config(_sizes(_renamed(state), path)))
    return model.eval(), _place(model, state, path, "fairseq w2v-BERT")


def load_w2v_bert_pretraining(
    state: Mapping[str, Tensor], path: Path
) -> tuple[W2vBertForPreTraining, LoadReport]:
    """The whole pre-training model of a file that has the heads as well.

    The tap of the contrastive loss is not in the file: it is put after a third of the blocks, as
    fairseq2 has it in both of its sizes.
    """
    tensors = _renamed(state)
    config = _sizes(tensors, path)
    try:
        codes, shared = tensors["quantizer.codevectors"], tensors["project_q.weight"]
        n_codebooks = shared.shape[1] // codes.shape[2]
        books = GumbelQuantizerConfig(codes.shape[1] // n_codebooks, n_codebooks, shared.shape[1])
    except (KeyError, IndexError, ZeroDivisionError) as fault:
        raise EarShotError(
            got=f"{path} without quantizer and project_q",
            expected="a file of pre-training, with its heads",
            mend="Load it as an encoder alone: earshot embed --model FILE.",
        ) from fault
    heads = W2vBertConfig(
        contrastive_depth=max(1, config.depth // 3),
        quantizer=books,
        hidden="learnt",
        shared_dim=len(shared),
    )
    model = W2vBertForPreTraining(Conformer(config), heads)
    placement = Placement()
    for name, tensor in state.items():
        own = _library_name(name)
        own = own if own.startswith(HEADS) else f"encoder.model.{own}"
        like = model.state_dict().get(own)
        if own == "quantizer.n_updates" and like is not None:
            tensor = tensor.reshape(()).to(like.dtype)
        placement.put(name, {own: tensor})
    if "quantizer.n_updates" not in placement.state:  # fairseq keeps it outside of the weights
        placement.state["quantizer.n_updates"] = model.quantizer.n_updates
        placement.origin["quantizer.n_updates"] = "(none: 0)"
    missing = placement.place_into(model, path)
    return model.eval(), _report(placement, missing, path, "fairseq w2v-BERT with its heads")


def encoder_config(facts: Mapping[str, Any], path: Path) -> ConformerConfig:
    """A config.json in our words. Raises EarShotError for variants that are not built here."""
    from transformers import Wav2Vec2BertConfig

    try:
        library = Wav2Vec2BertConfig.from_dict(dict(facts))
        if library.add_adapter or library.position_embeddings_type != "relative_key":
            raise ValueError("an adapter, or positions other than 'relative_key'")
        if library.hidden_act != "swish" or library.feature_projection_input_dim % 2:
            raise ValueError("another activation than 'swish', or an odd number of features")
        return ConformerConfig(
            n_mels=library.feature_projection_input_dim // 2,
            dim=library.hidden_size,
            depth=library.num_hidden_layers,
            n_heads=library.num_attention_heads,
            inner_dim=library.intermediate_size,
            kernel=library.conv_depthwise_kernel_size,
            left=library.left_max_position_embeddings,
            right=library.right_max_position_embeddings,
        )
    except EarShotError:
        raise
    except Exception as fault:  # the library checks its fields with exceptions of many kinds
        raise EarShotError(
            got=f"{path}: {str(fault).strip().partition(chr(10))[0][:200]}",
            expected="the config of a plain w2v-BERT encoder",
            mend="Copy the directory again, or use another checkpoint.",
        ) from fault


def _sizes(tensors: Mapping[str, Tensor], path: Path) -> ConformerConfig:
    """The encoder that tensors under the library's names are of."""
    block = "encoder.layers.0."
    try:
        projection = tensors["feature_projection.projection.weight"]  # [dim, features]
        inner = len(tensors[block + "ffn1.intermediate_dense.weight"])
        kernel = tensors[block + "conv_module.depthwise_conv.weight"].shape[2]
        n_places, head_dim = tensors[block + "self_attn.distance_embedding.weight"].shape
        found = (re.match(LAYER, name) for name in tensors)
        return ConformerConfig(
            n_mels=projection.shape[1] // 2,
            dim=len(projection),
            depth=1 + max(int(each.group(1)) for each in found if each),
            n_heads=len(projection) // head_dim,
            inner_dim=inner,
            kernel=kernel,
            left=n_places - 1 - RIGHT,
            right=RIGHT,
        )
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as fault:
        raise EarShotError(
            got=f"{path}, a Conformer without {fault}",
            expected="clipped relative positions and layer norms, as w2v-BERT 2.0 has them",
            mend="Use a checkpoint of w2v-BERT 2.0.",
        ) from fault


def _sound_config(config: ConformerConfig) -> SoundEncoderConfig:
    fbank = KaldiFbankConfig(n_mels=config.n_mels, gain=2.0**15, per_bin=True)
    return SoundEncoderConfig(audio=AudioTower(conformer=config), fbank=fbank, window_s=WINDOW_S)


def _library_name(name: str) -> str:
    """What `transformers` calls a tensor, without its prefix."""
    for prefix in (PREFIX, "w2v2_model.", "w2v2.", "encoder.model."):
        name = name.removeprefix(prefix)
    for pattern, new in FAIRSEQ:
        if re.match(pattern, name):
            return re.sub(f"^{pattern}", new, name)
    return name


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {_library_name(name): tensor for name, tensor in state.items()}


def _place(model: SoundEncoder, state: Mapping[str, Tensor], path: Path, kind: str) -> LoadReport:
    """Weights under any of their names into the encoder; heads go nowhere."""
    placement = Placement()
    known = model.state_dict()
    for name, tensor in state.items():
        own = f"audio_encoder.model.{_library_name(name)}"
        placement.put(name, {own: tensor} if own in known else {})
    mask = "audio_encoder.model.masked_spec_embed"
    if mask not in placement.state:  # left out by those who never mask
        placement.put("(none: as it was drawn)", {mask: known[mask]})
    missing = placement.place_into(model, path)
    return _report(placement, missing, path, kind)


def _report(placement: Placement, missing: tuple[str, ...], path: Path, kind: str) -> LoadReport:
    return LoadReport(
        source=str(path),
        kind=kind,
        renamed=placement.renamed,
        missing=missing,
        unexpected=tuple(placement.unexpected),
    )
