"""Several alignment methods at once on any two-tower model: each is a switch, all else is equal.

    switch       part                                  from
    cwcl         objectives/soft_positives.py          arXiv:2309.14580
    negatives    data/compositions.py,                 arXiv:2310.08753
                 objectives/hard_negatives.py
    rewrites     text/rewriting.py                     arXiv:2409.09213
    harmony      training/harmonizer.py                arXiv:2211.02077

Every clip is compared with two texts, its caption and the same in other words, in two losses on one
anchor. Whatever is switched on, the clips, the number of texts and the steps are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earshot.core.errors import EarShotError, unknown_name
from earshot.core.report import Report
from earshot.data.blended import BlendedBatch, BlendedLoader
from earshot.data.clip_set import ClipSet
from earshot.data.composition_loader import CompositionLoader, flattened
from earshot.data.compositions import CompositionConfig
from earshot.models.start import Start
from earshot.models.towers import TwoTowerConfig, build_two_tower
from earshot.models.two_tower import TwoTower
from earshot.objectives.blended import BlendedContrast
from earshot.objectives.gather import first_row, gather_rows
from earshot.objectives.soft_positives import CosineWeights
from earshot.text.rewriting import RuleRewriter
from earshot.training.fit import FitConfig
from earshot.training.harmonizer import GradHarmonizer, HarmonyConfig, Sides
from earshot.training.recipe_run import RecipeRun

KEY = "blend"
METHODS = ("cwcl", "negatives", "rewrites", "harmony")
N_WAYS = 4  # rewrites made of a caption


@dataclass(frozen=True)
class BlendConfig:
    """Which methods are on, and what they share."""

    model: TwoTowerConfig | None  # none: that of a published model, which its own files describe
    methods: tuple[str, ...] = METHODS
    kappa: float = 16.0  # power of CWCL's weights; the paper's, 1, is flat for small sets
    n_negatives: int = 3  # of each composed clip
    harmony: HarmonyConfig = field(default_factory=HarmonyConfig)
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(steps=200, learning_rate=1e-4, warmup_steps=20)
    )
    batch_size: int = 24  # captioned clips, over all processes
    n_composed: int = 16  # composed clips beside them; none where no clip has just one label
    max_s: float = 4.0  # longer clips are cropped to this
    compositions: CompositionConfig = field(
        default_factory=lambda: CompositionConfig(n_events=(0.0, 1.0), clip_s=4.0)
    )
    seed: int = 0

    def __post_init__(self) -> None:
        for method in self.methods:
            if method not in METHODS:
                raise unknown_name("method", method, METHODS)


def blend(
    config: BlendConfig,
    data: ClipSet,
    out: Path,
    *,
    start: Start | None = None,
    resume: bool = False,
    saved_as: tuple[str, Any] | None = None,
) -> Report:
    """Train in `out` on the captioned clips of `data`, and on clips composed of its labelled ones.

    `start` is the model to go on from. The folder is saved as a model of the recipe and config
    `saved_as`, which builds `config.model`. With "cwcl" the text tower is locked, as in its paper.
    """
    captioned = ClipSet([clip for clip in data if clip.captions], name=data.name)
    if not captioned:
        raise EarShotError(
            got=f"{data.name}, in which no clip has a caption",
            expected="captioned clips",
            mend="Give captions; labels alone make composed clips only.",
        )
    single = [clip for clip in data if len(clip.labels) == 1]
    if "negatives" in config.methods and not single:
        raise EarShotError(
            got=f"{data.name}, in which no clip has just one label",
            expected="clips of single sounds, from which composed clips are made",
            mend="Add some, or leave `negatives` out.",
        )
    this = RecipeRun(
        KEY, config, out, [clip.id for clip in data], resume=resume, start=start, saved_as=saved_as
    )
    model = this.two_tower(build)
    if "cwcl" in config.methods:
        model.lock("text")
    mode = config.harmony.mode if "harmony" in config.methods else "sum"
    harmonizer = GradHarmonizer(
        replace(config.harmony, mode=mode), n_batches=config.fit.steps, model=model, out=out
    )
    loader = BlendedLoader(
        this.loader(
            captioned,
            batch_size=config.batch_size,
            sample_rate=model.sample_rate,
            max_s=config.max_s,
        ),
        _composed(config, single, model, this) if single else None,
        rewrite=_rewriter() if "rewrites" in config.methods else None,
        seed=config.seed,
    )
    loss_of = _Loss(config, model, harmonizer)
    this.fit(model, loss_of, harmonizer.follow(loader.batches), config.fit)
    return this.finish(model, lambda: ({}, []))


def build(config: BlendConfig) -> TwoTower:
    """The model with random weights."""
    if config.model is None:
        raise EarShotError(
            got="no model to build", expected="a config or a start", mend="Pass start=."
        )
    return build_two_tower(config.model)


class _Loss:
    """Both losses of a batch, harmonised."""

    def __init__(self, config: BlendConfig, model: TwoTower, harmonizer: GradHarmonizer) -> None:
        self.config, self.model, self.harmonizer = config, model, harmonizer
        self.contrast, self.weigh = BlendedContrast(), CosineWeights(config.kappa)

    def __call__(self, batch: BlendedBatch) -> Tensor | None:
        false = batch.negatives if "negatives" in self.config.methods else [()] * len(batch)
        texts, owner = flattened([each[: self.config.n_negatives] for each in false])
        negatives = self.model.embed_text(texts) if texts else None

        def with_captions(anchor: Tensor, text: Tensor) -> Tensor:
            rows = anchor.new_zeros(0, anchor.shape[1]) if negatives is None else negatives
            return self._contrast(anchor, text, rows, owner.to(anchor.device))

        def with_others(anchor: Tensor, text: Tensor) -> Tensor:
            none = torch.zeros(0, dtype=torch.int64, device=anchor.device)
            return self._contrast(anchor, text, anchor.new_zeros(0, anchor.shape[1]), none)

        parts = [self._sides(part) for part in self.harmonizer.parts(batch)]
        return self.harmonizer((with_captions, with_others), parts)

    def _contrast(self, anchor: Tensor, text: Tensor, negatives: Tensor, owner: Tensor) -> Tensor:
        weights = None
        if "cwcl" in self.config.methods:
            mine = slice(first_row(len(text)), first_row(len(text)) + len(text))
            weights = self.weigh(gather_rows(text.detach()))[mine]
        return self.contrast(anchor, text, negatives, owner, self.model.scale, weights=weights)

    def _sides(self, batch: BlendedBatch) -> Sides:
        anchor = self.model.embed_audio(batch.waveform, batch.n_samples)  # [batch, dim]
        texts = self.model.embed_text([*batch.captions, *batch.others])
        return Sides(anchor, (texts[: len(batch)], texts[len(batch) :]))


def _composed(
    config: BlendConfig, single: Sequence[Any], model: TwoTower, this: RecipeRun
) -> CompositionLoader:
    loader = CompositionLoader(
        single,
        config.compositions,
        batch_size=config.n_composed,
        sample_rate=model.sample_rate,
        seed=config.seed,
        rank=this.rank,
        world=this.world,
    )
    this.loaders.append(loader)
    return loader


def _rewriter() -> Any:
    rewriter = RuleRewriter()

    @lru_cache(maxsize=100_000)
    def rewrite(caption: str) -> tuple[str, ...]:
        return rewriter.rewrite(caption, N_WAYS)

    return rewrite
