"""ReCLAP: Improving Zero Shot Audio Classification by Describing Sounds (arXiv:2409.09213).

    paper                            here                              differs from the paper
    rewriting of captions    3.1     text/rewriting.py, llm/rewriter.py   by rule unless asked
    0.4 original, 0.6 rewrite        data/rewritten.py
    loss                             objectives/infonce.py             one scale for both directions
    audio encoder                    encoders/htsat.py                 HTSAT starts at random
    text encoder                     encoders/pretrained_text.py
    prompt augmentation      3.2     text/prompt_augmentation.py, llm/prompter.py
    N prompts a label, mean  3.2     text/prompt_bank.py, text/prompt_ensemble.py

The claim: taught by captions of which some say what sounds are like, it names classes whose names
it never read, by descriptions; taught by names alone it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, ClipSet
from earshot.data.captioned import train_and_test, with_captions
from earshot.data.rewritten import RewriteDraws, shuffled_rewrites, stored_rewrites
from earshot.encoders.htsat import HtsatConfig
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.features import LogMelConfig
from earshot.models.embedder import Embedder
from earshot.models.start import Start
from earshot.models.towers import (
    AudioTower,
    PublishedText,
    TextTower,
    TwoTowerConfig,
    WordText,
    build_two_tower,
    start_text_from,
)
from earshot.models.two_tower import TwoTower
from earshot.objectives.infonce import InfoNCE
from earshot.synth.invented import InventedConfig, invented_bank, invented_clips
from earshot.text.prompt_bank import PromptBank, read_bank, shipped_bank
from earshot.text.prompts import SOUND, fill_prompt
from earshot.text.rewriting import RuleRewriter
from earshot.training.evaluation import Heard, Read, two_tower_figures, zero_shot_figures
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun

PAPER = Paper(
    key="reclap",
    title="ReCLAP: Improving Zero Shot Audio Classification by Describing Sounds",
    arxiv=("2409.09213",),
    family="alignment",
    year=2025,
    claims={
        "descriptions": "Taught by captions of which some say what sounds are like, it names "
        "classes whose names it never read, by descriptions of them.",
        "number": "More descriptions a label name better.",
        "names": "What it gains on descriptions does not cost it the names that it read; "
        "descriptions name those classes as well.",
    },
)
N_SWEEP = (1, 2, 5, 10)  # prompts a label
N_DRAWS = 5  # of the prompts from the bank: what is measured is the mean over them


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: TwoTowerConfig
    fit: FitConfig = field(default_factory=FitConfig)
    batch_size: int = 64  # clips, over all processes
    max_s: float = 10.0  # longer clips are cropped to this in training, at random
    rewrite_probability: float = 0.6  # a rewrite instead of the caption: the paper's
    n_rewrites: int = 4  # made by rule for a caption that comes without; 0 makes none
    shuffle_rewrites: bool = False  # the control: each caption gets another one's rewrites
    bank: str | None = None  # descriptive prompts: a JSON Lines file; the shipped ones if none
    n_prompts: int = 2  # a label, of those in the bank: the paper's
    text_weights: str | None = None  # public weights for the text tower: a folder or a hub name
    prompt: str = SOUND  # for naming clips by names
    toy: InventedConfig = field(default_factory=InventedConfig)  # the clips without --data
    seed: int = 0

    def __post_init__(self) -> None:
        for wrong, got, expected in (
            (not 0 <= self.rewrite_probability <= 1,
             f"rewrite_probability={self.rewrite_probability:g}", "from 0 to 1"),
            (self.n_rewrites < 0, f"n_rewrites={self.n_rewrites}", "0 or more"),
            (self.n_prompts < 1, f"n_prompts={self.n_prompts}", "at least 1"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")

    @classmethod
    def paper(cls) -> Config:
        """HTSAT-base with fusion and Flan-T5-large: 412 M parameters."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig.laion_fused(),  # 48 kHz, 64 mels, hop 480
                audio=AudioTower(htsat=replace(HtsatConfig.base(), fusion="aff")),
                text=TextTower(published=PublishedText.flan_t5_large()),
                dim=512,
                window_s=10.0,
                fill="repeatpad",
                long_clips="fusion",
            ),
            fit=FitConfig(
                steps=135_000,  # 30 epochs of about 2.3 M pairs
                learning_rate=5e-4,
                warmup_steps=3_200,
                checkpoint_every=1_000,
                seed=3_407,
            ),
            batch_size=512,  # 8 GPUs of 64
            max_s=30.0,
            text_weights="google/flan-t5-large",
            seed=3_407,
        )

    @classmethod
    def small(cls) -> Config:
        """Strips of a log-mel and a two-layer word transformer: half a minute on one core."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig(
                    sample_rate=16_000,  # Hz (paper 48 000)
                    n_fft=512,
                    hop_length=256,  # 63 frames in a clip of 1 s (paper 1 001 in 10 s)
                    n_mels=32,  # (paper 64)
                    f_max=8_000.0,
                ),
                audio=AudioTower(strips=StripTransformerConfig(32, strip=4, dim=64, depth=2)),
                text=TextTower(words=WordText(transformer=TextTransformerConfig(dim=64))),
                dim=64,  # (paper 512)
                window_s=1.0,  # (paper 10)
                fill="none",
            ),
            fit=FitConfig(steps=600, learning_rate=2e-3, warmup_steps=30),  # (135 000, 5e-4)
            batch_size=48,  # (paper 512)
            max_s=1.0,
        )


def build(config: Config) -> TwoTower:
    """The model with random weights."""
    return build_two_tower(config.model)


def run(
    config: Config,
    data: ClipSet | None,
    out: Path,
    *,
    resume: bool = False,
    start: Start | None = None,
) -> Report:
    """Train on `data` (sounds with invented names when None) in `out`, then measure the test split.

    Rewrites are the manifest's (`earshot rewrite` writes them), else made by rule. `start` is a
    model to go on from. The folder then loads as a model.
    """
    toy = data is None
    clips = invented_clips(config.seed, config.toy) if data is None else data
    train, test = train_and_test(clips, config.seed)
    train = with_captions(train, config.seed)
    bank = find_bank(config, toy)
    rewrites = rewrites_for(train, config)
    this = RecipeRun(
        PAPER.key, config, out, [clip.id for clip in train], resume=resume, start=start
    )
    model, objective = this.two_tower(build), InfoNCE()
    if config.text_weights is not None and start is None:
        start_text_from(model, config.text_weights)

    def loss_of(batch: Batch) -> Tensor:
        audio = model.embed_audio(batch.waveform, batch.n_samples)  # [batch, dim]
        text = model.embed_text(batch.captions)  # [batch, dim]
        return objective(audio, text, model.scale)

    loader = this.loader(
        train, batch_size=config.batch_size, sample_rate=model.sample_rate, max_s=config.max_s
    )
    draws = RewriteDraws(
        loader.batches, rewrites, probability=config.rewrite_probability, seed=config.seed
    )
    this.fit(model, loss_of, draws.batches, config.fit)
    known = {label for clip in train for label in clip.labels}
    return this.finish(model, lambda: measure_split(model.eval(), config, known, test, bank))


def rewrites_for(train: ClipSet, config: Config) -> dict[str, tuple[str, ...]]:
    """Rewrites by caption: those that the clips bring, else by rule; shuffled in the control."""
    if config.rewrite_probability == 0:
        return {}
    found = stored_rewrites(train)
    if config.n_rewrites:
        rule = RuleRewriter(seed=config.seed)
        captions = dict.fromkeys(caption for clip in train for caption in clip.captions)
        made = {
            caption: rule.rewrite(caption, config.n_rewrites)
            for caption in captions
            if caption not in found
        }
        found |= {caption: texts for caption, texts in made.items() if texts}
    if not found:
        raise EarShotError(
            got=f"{len(train)} training clips of which no caption has a rewrite",
            expected="captions that `earshot rewrite` rewrote, or that name sounds it knows",
            mend="Rewrite them with --llm, or set rewrite_probability=0.",
        )
    return shuffled_rewrites(found, config.seed) if config.shuffle_rewrites else found


def find_bank(config: Config, toy: bool) -> PromptBank:
    """The descriptive prompts: the config's file, else the toy's own or the shipped ones."""
    if config.bank is not None:
        return read_bank(Path(config.bank))
    return invented_bank(config.seed, config.toy) if toy else shipped_bank()


def measure_split(
    model: TwoTower, config: Config, known: set[str], test: ClipSet, bank: PromptBank
) -> tuple[dict[str, float], list[str]]:
    """Figures of the test split, and a sentence for each clip that could not be read.

    Beside those of training/evaluation.py, by names and original captions: naming by descriptions,
    where the bank has all labels. `seen_*` are of labels of training among each other, `held_out_*`
    of the others among each other: `*_by_name`, `*_described` by `n_prompts` descriptions, and the
    latter by other numbers of them. A figure by descriptions is the mean over N_DRAWS draws.
    """
    figures, heard = two_tower_figures(model, test, known, config.prompt)
    read = Embedder(model, PAPER.key, device=model.logit_scale.device).embed_texts
    labels = [label for label in test.labels if any(label in c.labels for c in heard.clips)]
    lacking = [label for label in labels if label not in bank]
    if len(labels) < 2 or lacking:
        told = f"Not named by descriptions: the bank {bank.name!r} lacks {', '.join(lacking[:10])}."
        return figures, [*heard.faults, *([told] if lacking else [])]

    def by_name(group: list[str]) -> float:
        prompts = {label: (fill_prompt(config.prompt, label),) for label in group}
        return share_named(read, heard, prompts)

    def described(group: list[str], n: int) -> float:
        draws = range(config.seed, config.seed + N_DRAWS)
        drawn = ({label: bank.prompts_of(label, n, seed=s) for label in group} for s in draws)
        return sum(share_named(read, heard, prompts) for prompts in drawn) / N_DRAWS

    figures["zero_shot_described"] = described(labels, config.n_prompts)
    for name, group in (
        ("seen", [label for label in labels if label in known]),
        ("held_out", [label for label in labels if label not in known]),
    ):
        if 1 < len(group) < len(labels):
            figures[f"{name}_by_name"] = by_name(group)
            figures[f"{name}_described"] = described(group, config.n_prompts)
            figures |= {f"{name}_described_n{n}": described(group, n) for n in N_SWEEP}
    return figures, heard.faults


def share_named(read: Read, heard: Heard, prompts: Mapping[str, tuple[str, ...]]) -> float:
    """The share of clips named rightly among the labels of `prompts`; other clips are left out."""
    rows = [i for i, clip in enumerate(heard.clips) if set(clip.labels) <= prompts.keys()]
    part = Heard(heard.embeddings[rows], [heard.clips[i] for i in rows])
    return zero_shot_figures(read, part, list(prompts), set(prompts), prompts.__getitem__)[
        "zero_shot"
    ]


def claim() -> Experiment:
    """Names alone, rewrites, other shares of rewrites, and rewrites that tell nothing."""
    base = Config.small()
    names = replace(base, rewrite_probability=0.0)
    held_out = "held_out_described"
    return Experiment(
        recipe=PAPER.key,
        arms=(
            Arm("names", names, "original captions alone"),
            Arm("rewrites", base, "0.4 originals, 0.6 rewrites: the paper's"),
            Arm("third", replace(base, rewrite_probability=0.3), "0.7 originals, 0.3 rewrites"),
            Arm("all", replace(base, rewrite_probability=1.0), "rewrites alone"),
            Arm("shuffled", replace(base, shuffle_rewrites=True), "control: another's rewrites"),
        ),
        comparisons=(
            Comparison("descriptions", held_out, "rewrites", 1 / base.toy.n_held_out),  # chance
            Comparison("descriptions", held_out, "rewrites", 0.4),
            Comparison("descriptions", held_out, "rewrites", "names"),
            Comparison("descriptions", held_out, "rewrites", "shuffled"),
            Comparison(
                "descriptions", held_out, "rewrites", "rewrites", against_figure="held_out_by_name"
            ),
            Comparison(
                "number",
                "held_out_described_n10",
                "rewrites",
                "rewrites",
                against_figure="held_out_described_n1",
            ),
            Comparison(
                "number",
                "held_out_described_n10",
                "rewrites",
                "rewrites",
                against_figure="held_out_described_n5",
                expected="not below",
            ),
            Comparison("names", "seen_by_name", "rewrites", "names", "not below"),
            Comparison("names", "seen_by_name", "rewrites", "all"),
            Comparison(
                "names",
                "seen_described",
                "rewrites",
                "rewrites",
                "not below",
                against_figure="seen_by_name",
            ),
            Comparison(
                "names",
                "seen_described_n10",
                "rewrites",
                "rewrites",
                "not below",
                against_figure="seen_by_name",
            ),
        ),
        measure=measure,
    )


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
