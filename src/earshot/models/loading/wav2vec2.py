"""wav2vec 2.0, HuBERT, WavLM, data2vec as others save them: `transformers` folders, fairseq files.

A folder's encoder becomes a SoundEncoder, with a head and a vocabulary.json a Recognizer, with a
quantiser what goes on with its pre-training.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.wav2vec2 import CLASSES, Wav2Vec2Encoder, Wav2Vec2EncoderConfig
from earshot.features import WaveformConfig
from earshot.layers.gumbel_quantizer import GumbelQuantizerConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.load_report import LoadReport
from earshot.models.loading.library_folder import CONFIG, front_end_facts, read_json, read_weights
from earshot.models.loading.weights import Placement
from earshot.models.pretraining.wav2vec2 import Wav2Vec2Pretraining, Wav2Vec2TaskConfig
from earshot.models.sound_encoder import SoundEncoder

WINDOW_S = 20.0  # what pre-training heard of a clip at most; longer ones are heard in windows
ENCODER = "audio_encoder.model."  # where the library's model lies in a SoundEncoder
TASK = ("quantizer.", "project_hid.", "project_q.")  # what continued pre-training needs
WEIGHT_NORM = {".weight_g": ".parametrizations.weight.original0",
               ".weight_v": ".parametrizations.weight.original1"}  # fmt: skip
CONV = r"feature_extractor\.conv_layers\.(\d+)\."
LAYER = r"encoder\.layers\.(\d+)\."
FAIRSEQ = (  # patterns of fairseq's names -> the library's; the first that fits
    (CONV + r"0\.", r"feature_extractor.conv_layers.\1.conv."),
    (CONV + r"2\.(?:1\.)?", r"feature_extractor.conv_layers.\1.layer_norm."),
    (r"post_extract_proj\.", "feature_projection.projection."),
    (r"layer_norm\.", "feature_projection.layer_norm."),
    (r"mask_emb$", "masked_spec_embed"),
    (r"encoder\.pos_conv\.0\.", "encoder.pos_conv_embed.conv."),
    (LAYER + r"self_attn\.", r"encoder.layers.\1.attention."),
    (LAYER + r"self_attn_layer_norm\.", r"encoder.layers.\1.layer_norm."),
    (LAYER + r"fc1\.", r"encoder.layers.\1.feed_forward.intermediate_dense."),
    (LAYER + r"fc2\.", r"encoder.layers.\1.feed_forward.output_dense."),
)
FAIRSEQ_TASK = {"quantizer.vars": "quantizer.codevectors", "final_proj.": "project_hid."}


def is_wav2vec2_folder(folder: Path) -> bool:
    """Whether a folder's config.json names one of these models."""
    path = folder / CONFIG
    return path.is_file() and read_json(path).get("model_type") in CLASSES


def load_wav2vec2_folder(folder: Path) -> tuple[SoundEncoder, LoadReport]:
    """The encoder of a `transformers` folder, whatever head it was saved with."""
    facts = read_json(folder / CONFIG)
    model = build_sound_encoder(sound_config(folder, facts))
    state = encoder_state(read_weights(folder), facts["model_type"])
    report = place(model, state, folder, f"transformers {facts['model_type']}")
    return model.eval(), report


def sound_config(folder: Path, facts: Mapping[str, Any]) -> SoundEncoderConfig:
    """The SoundEncoder that a folder describes; its waveforms levelled as its preprocessor says."""
    _, front = front_end_facts(folder)
    waveform = WaveformConfig(
        sample_rate=int(front.get("sampling_rate", 16_000)),
        unit_variance=bool(front.get("do_normalize", True)),
    )
    audio = AudioTower(wav2vec2=encoder_config(facts, folder / CONFIG))
    return SoundEncoderConfig(audio=audio, waveform=waveform, window_s=WINDOW_S)


def encoder_config(facts: Mapping[str, Any], path: Path) -> Wav2Vec2EncoderConfig:
    """A config.json in our words. Raises EarShotError for variants that are not built here."""
    import transformers

    kind = facts["model_type"]
    try:
        library = getattr(transformers, CLASSES[kind][0]).from_dict(dict(facts))
        channels = set(library.conv_dim)
        is_plain = not getattr(library, "add_adapter", False)
        is_plain = is_plain and getattr(library, "adapter_attn_dim", None) is None
        if len(channels) != 1 or not is_plain or library.feat_extract_activation != "gelu":
            raise ValueError("adapters, or convolutions of several widths or without GELU")
        data2vec = kind == "data2vec-audio"
        return Wav2Vec2EncoderConfig(
            kind=kind,
            dim=library.hidden_size,
            depth=library.num_hidden_layers,
            n_heads=library.num_attention_heads,
            mlp_dim=library.intermediate_size,
            conv_dim=channels.pop(),
            conv_kernels=tuple(library.conv_kernel),
            conv_strides=tuple(library.conv_stride),
            conv_norm="layer" if data2vec else library.feat_extract_norm,
            conv_bias=library.conv_bias,
            pre_norm=getattr(library, "do_stable_layer_norm", False),
            feature_norm=getattr(library, "feat_proj_layer_norm", True),
            position_kernel=(
                library.conv_pos_kernel_size if data2vec else library.num_conv_pos_embeddings
            ),
            position_groups=library.num_conv_pos_embedding_groups,
            position_depth=library.num_conv_pos_embeddings if data2vec else 1,
            position_batch_norm=getattr(library, "conv_pos_batch_norm", False),
        )
    except EarShotError:
        raise
    except Exception as fault:  # the library checks its fields with exceptions of many kinds
        raise EarShotError(
            got=f"{path}: {str(fault).strip().partition(chr(10))[0][:200]}",
            expected=f"the config of a plain {kind} encoder",
            mend="Copy the directory again, or use another checkpoint.",
        ) from fault


def encoder_state(state: Mapping[str, Tensor], kind: str) -> dict[str, Tensor]:
    """Weights under the library's own names without its prefix, weight norms in today's words."""
    prefix = kind.replace("-", "_") + "."
    renamed = {}
    for name, tensor in state.items():
        new = name.removeprefix(prefix)
        for old, now in WEIGHT_NORM.items():
            if new.endswith(old):
                new = new.removesuffix(old) + now
        renamed[new] = tensor
    return renamed


def place(model: Any, state: Mapping[str, Tensor], source: Path, kind: str) -> LoadReport:
    """Fill the encoder of `model` and the parts that bear their own names; the report on keys.

    A mask vector that a file lacks, because nothing was masked in its training, is 0.
    """
    own = model.state_dict()
    prefix = ENCODER if any(name.startswith(ENCODER) for name in own) else "encoder.model."
    placement = Placement()
    for name, tensor in state.items():
        ours = name if name in own else prefix + name
        placement.put(name, {ours: tensor} if ours in own else {})
    mask = f"{prefix}masked_spec_embed"
    missing = [mask] if mask in own and mask not in placement.state else []
    for name in [*missing, *(name for name in own if name.endswith("n_updates"))]:
        placement.state[name] = own[name].new_zeros(own[name].shape)
        placement.origin[name] = name
    derived = placement.place_into(model, source)
    renamed = {old: new for old, new in placement.renamed.items() if old in state}
    return LoadReport(
        source=str(source),
        kind=kind,
        renamed=renamed,
        missing=(*missing, *derived),
        unexpected=tuple(placement.unexpected),
    )


def load_pretraining(folder: Path) -> tuple[Wav2Vec2Pretraining, SoundEncoderConfig, LoadReport]:
    """What goes on with the pre-training of a `transformers` folder: Wav2Vec2ForPreTraining.

    Raises EarShotError where the folder has no quantiser: a new one would teach the encoder to
    forget what it knows.
    """
    facts = read_json(folder / CONFIG)
    if facts.get("model_type") != "wav2vec2":
        raise EarShotError(
            got=f"{folder} of model_type {facts.get('model_type')!r}",
            expected="'wav2vec2'",
            mend="Pass a folder of Wav2Vec2ForPreTraining, such as wav2vec2-large-xlsr-53.",
        )
    state = encoder_state(read_weights(folder), "wav2vec2")
    absent = [part for part in TASK if not any(name.startswith(part) for name in state)]
    if absent:
        raise EarShotError(
            got=f"{folder} without {' and '.join(part.rstrip('.') for part in absent)}",
            expected="a checkpoint of pre-training, which has a quantiser",
            mend="Pass the one that was pre-trained, not one that was fine-tuned for recognition.",
        )
    config = sound_config(folder, facts)
    assert config.audio.wav2vec2 is not None
    task = Wav2Vec2Pretraining(Wav2Vec2Encoder(config.audio.wav2vec2), task_config(state, facts))
    return task, config, place(task, state, folder, "transformers wav2vec2 for pre-training")


def task_config(state: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Wav2Vec2TaskConfig:
    """The sizes of the quantiser and the projections, by the shapes of their weights."""
    _, n_all, part = state["quantizer.codevectors"].shape
    n_books = int(facts.get("num_codevector_groups", 2))
    codes = GumbelQuantizerConfig(
        n_codes=n_all // n_books, n_codebooks=n_books, dim=part * n_books, least_temperature=0.5
    )
    return Wav2Vec2TaskConfig(
        quantizer=codes,
        dim=len(state["project_hid.weight"]),
        n_distractors=int(facts.get("num_negatives", 100)),
        temperature=float(facts.get("contrastive_logits_temperature", 0.1)),
        diversity_weight=float(facts.get("diversity_loss_weight", 0.1)),
    )


def is_fairseq_wav2vec2(state: Mapping[str, Tensor]) -> bool:
    """Whether keys are those of fairseq's wav2vec 2.0 or HuBERT, bare or inside a recogniser."""
    return any(name.endswith("post_extract_proj.weight") for name in state)


def rename_fairseq_wav2vec2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Fairseq's weights under the names of `transformers`; what has no place keeps its name."""
    renamed = {}
    for name, tensor in state.items():
        bare = re.sub(r"^(w2v_encoder\.w2v_model\.|w2v_model\.)", "", name)
        new = next((ours + bare.removeprefix(theirs) for theirs, ours in FAIRSEQ_TASK.items()
                    if bare.startswith(theirs)), None)  # fmt: skip
        for pattern, ours in FAIRSEQ:
            if new is None and re.match(pattern, bare):
                new = re.sub(f"^{pattern}", ours, bare)
        renamed[new or bare] = tensor
    return encoder_state(renamed, "wav2vec2")


def load_fairseq_wav2vec2(
    state: Mapping[str, Tensor], path: Path
) -> tuple[SoundEncoder, LoadReport]:
    """The encoder of a fairseq file; its sizes are read off the shapes.

    Heads have 64 dimensions, kernels and strides are those of the paper: the shapes do not tell.
    """
    renamed = rename_fairseq_wav2vec2(state)
    convs = [name for name in renamed if re.fullmatch(r".*conv_layers\.\d+\.conv\.weight", name)]
    conv_dim, dim = renamed["feature_projection.projection.weight"].shape[::-1]
    layer_norms = "feature_extractor.conv_layers.1.layer_norm.weight" in renamed
    layers = {int(name.split(".")[2]) for name in renamed if name.startswith("encoder.layers.")}
    positions = renamed.get("encoder.pos_conv_embed.conv.parametrizations.weight.original1")
    mlp = renamed.get("encoder.layers.0.feed_forward.intermediate_dense.weight")
    if positions is None or mlp is None or len(convs) != 7:
        raise EarShotError(
            got=f"{path} with {len(convs)} convolutions and {len(layers)} layers",
            expected="wav2vec 2.0 or HuBERT of fairseq, with seven convolutions",
            mend="Use another checkpoint, or its copy in the format of transformers.",
        )
    encoder = Wav2Vec2EncoderConfig(
        dim=dim,
        depth=len(layers),
        n_heads=max(1, dim // 64),
        mlp_dim=len(mlp),
        conv_dim=conv_dim,
        conv_norm="layer" if layer_norms else "group",
        conv_bias="feature_extractor.conv_layers.0.conv.bias" in renamed,
        pre_norm=layer_norms,  # the large models have both, the base models neither
        position_kernel=positions.shape[2],
        position_groups=dim // positions.shape[1],
    )
    config = SoundEncoderConfig(
        audio=AudioTower(wav2vec2=encoder),
        waveform=WaveformConfig(unit_variance=layer_norms),
        window_s=WINDOW_S,
    )
    model = build_sound_encoder(config)
    return model.eval(), place(model, renamed, path, "fairseq wav2vec 2.0")
