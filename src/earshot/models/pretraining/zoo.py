"""One name an objective: the families of self-supervised learning over one encoder."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from earshot.core.errors import EarShotError
from earshot.encoders.frame_encoder import FrameEncoder
from earshot.layers.span_mask import SpanMaskConfig
from earshot.models.pretraining.contrastive import (
    Cpc,
    CpcConfig,
    Wav2Vec2Config,
    Wav2Vec2Objective,
)
from earshot.models.pretraining.frame_objective import FrameObjective
from earshot.models.pretraining.generative import (
    Apc,
    ApcConfig,
    MaskedReconstruction,
    ReconstructionConfig,
)
from earshot.models.pretraining.predictive import (
    CepstralLabels,
    Data2Vec,
    Data2VecConfig,
    MaskedPrediction,
    RandomLabels,
    StateLabels,
    UnitsConfig,
)

Objective = Literal[
    "apc", "reconstruction", "cpc", "wav2vec2", "w2v_bert", "hubert", "best_rq", "data2vec"
]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
FAMILY = {
    "apc": "generative",
    "reconstruction": "generative",
    "cpc": "contrastive",
    "wav2vec2": "contrastive",
    "w2v_bert": "both",
    "hubert": "predictive",
    "best_rq": "predictive",
    "data2vec": "predictive",
}
CAUSAL = ("apc", "cpc")


@dataclass(frozen=True)
class ZooConfig:
    """The numbers of every objective; what masks spans of latents uses `mask` for it."""

    mask: SpanMaskConfig = field(default_factory=SpanMaskConfig)  # in the place of each one's own
    apc: ApcConfig = field(default_factory=ApcConfig)
    reconstruction: ReconstructionConfig = field(default_factory=ReconstructionConfig)
    cpc: CpcConfig = field(default_factory=CpcConfig)
    wav2vec2: Wav2Vec2Config = field(default_factory=Wav2Vec2Config)
    w2v_bert_tap_depth: int = 2  # the contrasted layer of w2v-BERT
    units: UnitsConfig = field(default_factory=UnitsConfig)
    best_rq_units: int = 256  # random codes
    best_rq_dim: int = 16  # of a random code
    data2vec: Data2VecConfig = field(default_factory=Data2VecConfig)


def build_objective(
    objective: Objective, encoder: FrameEncoder, config: ZooConfig, seed: int = 0
) -> FrameObjective:
    """`encoder` with the head, the targets and the loss of `objective`.

    HuBERT's labels are those of cepstra; their centroids are to be found from clips and set.
    """
    mask = config.mask
    if objective == "apc":
        return Apc(encoder, config.apc)
    if objective == "reconstruction":
        return MaskedReconstruction(encoder, config.reconstruction)
    if objective == "cpc":
        return Cpc(encoder, config.cpc)
    if objective == "wav2vec2":
        return Wav2Vec2Objective(encoder, replace(config.wav2vec2, mask=mask))
    if objective == "w2v_bert":
        both = replace(config.wav2vec2, tap_depth=config.w2v_bert_tap_depth, units_weight=1.0)
        return Wav2Vec2Objective(encoder, replace(both, mask=mask))
    if objective == "hubert":
        labels = CepstralLabels(encoder.config.stack, config.units.n_units)
        return MaskedPrediction(encoder, replace(config.units, mask=mask), labels)
    if objective == "best_rq":
        units = replace(config.units, n_units=config.best_rq_units, mask=mask)
        codes = RandomLabels(encoder, config.best_rq_units, config.best_rq_dim, seed)
        return MaskedPrediction(encoder, units, codes)
    if objective == "data2vec":
        return Data2Vec(encoder, replace(config.data2vec, mask=mask))
    raise EarShotError(
        got=f"objective={objective!r}", expected=f"one of {', '.join(OBJECTIVES)}", mend="Pick one."
    )


def second_iteration(
    encoder: FrameEncoder, taught: FrameEncoder, layer: int, config: ZooConfig
) -> MaskedPrediction:
    """HuBERT's second iteration: labels are clusters of the states of a taught encoder.

    Their centroids are to be found from clips and set.
    """
    labels = StateLabels(taught, layer, config.units.n_units)
    return MaskedPrediction(encoder, replace(config.units, mask=config.mask), labels)
