"""CLAP: Large-Scale Contrastive Language-Audio Pretraining with Feature Fusion and
Keyword-to-Caption Augmentation (arXiv:2211.06687), and Microsoft's CLAP of 2022 and 2023.

    paper                          here                              differs from the paper
    audio encoders     3.1         encoders/htsat.py, panns.py       HTSAT starts at random
    text encoders      3.1         encoders/pretrained_text.py
    projections        3.1         layers/projection.py
    loss               Eq. 1       objectives/infonce.py             one scale; loss=cwcl as well
    feature fusion     3.2         features/fusion.py, layers/feature_fusion.py,
                                   models/long_clips.py
    keyword-to-caption 3.3         text/keywords.py                  templates, not a T5
    SpecAugment        code        layers/spec_augment.py            on log-mels, before bn0
    MS-CLAP 2022       Eqs. 1-4    PannsCnn, ResidualProjection      cosine, not plateau
    MS-CLAP 2023       2           the same with HTSAT and GPT-2     from scratch, no pretraining

The claims: a dual encoder taught by captions names combinations of sound and attribute that it
never heard; fusing views of a long clip beats cropping it at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, BatchLoader, ClipSet
from earshot.data.captioned import shuffled_captions, train_and_test, with_captions
from earshot.encoders.earshot_cnn import EarshotCnnConfig
from earshot.encoders.htsat import HtsatConfig
from earshot.encoders.panns import CnnConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.features import LogMelConfig
from earshot.layers.spec_augment import SpecAugment, SpecAugmentConfig
from earshot.models.embedder import Embedder
from earshot.models.start import Start
from earshot.models.starting_weights import check_text_is_trained, start_text
from earshot.models.towers import (
    AudioTower,
    BpeText,
    PublishedText,
    TextTower,
    TwoTowerConfig,
    WordText,
    build_two_tower,
)
from earshot.models.two_tower import TwoTower
from earshot.objectives.cwcl import CWCL
from earshot.objectives.infonce import InfoNCE
from earshot.objectives.soft_positives import CosineWeights
from earshot.synth.combinations import (
    TWELVE,
    TWELVE_MORE,
    CombinationConfig,
    combination_clips,
    combinations,
)
from earshot.text.prompts import MICROSOFT, SOUND
from earshot.training.evaluation import hear_crops, retrieval_figures, two_tower_figures
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun

PAPER = Paper(
    key="clap",
    title="Large-Scale Contrastive Language-Audio Pretraining with Feature Fusion and "
    "Keyword-to-Caption Augmentation",
    arxiv=("2211.06687", "2206.04769", "2309.05767"),
    family="alignment",
    year=2023,
    claims={
        "zero_shot": "Taught by captions, it names combinations of sound and attribute that it "
        "never heard, and finds a clip by its caption.",
        "fusion": "On clips longer than the window, fusing four views beats a random crop and is "
        "not below squeezing the whole clip.",
    },
)


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: TwoTowerConfig
    fit: FitConfig = field(default_factory=FitConfig)
    batch_size: int = 64  # clips, over all processes
    max_s: float = 10.0  # longer clips are cropped to this in training, at random
    spec_augment: SpecAugmentConfig | None = None
    captions_per_keywords: int = 4  # sentences made for a clip that has labels and no caption
    neutral_gender: bool = False  # "a man speaks" -> "a person speaks"
    shuffle_captions: bool = False  # the control: each clip gets another clip's captions
    loss: Literal["infonce", "cwcl"] = "infonce"  # cwcl: under a locked text tower; not of CLAP
    kappa: float = 1.0  # of cwcl: the power of its weights, 1 in its paper
    text_weights: str | None = None  # for the text tower: a folder, a hub name, or what ships
    prompt: str = SOUND  # for naming clips
    toy: CombinationConfig = field(default_factory=CombinationConfig)  # the clips without --data
    seed: int = 0

    @classmethod
    def paper(cls) -> Config:
        """LAION-CLAP, HTSAT-tiny and RoBERTa-base, with fusion: 153.5 M parameters."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig.laion_fused(),  # 48 kHz, 64 mels, hop 480: 4.1
                audio=AudioTower(htsat=replace(HtsatConfig.tiny(), fusion="aff")),  # 3.2
                text=TextTower(published=PublishedText.roberta()),  # 3.1
                dim=512,  # 3.1
                window_s=10.0,  # 3.2
                fill="repeatpad",  # 3.2
                long_clips="fusion",  # 3.2
            ),
            fit=FitConfig(
                steps=50_800,  # 45 epochs (4.1) of about 2.6 M pairs
                learning_rate=1e-4,  # 4.1
                warmup_steps=3_200,  # the code's default
                betas=(0.9, 0.999),  # the code; the text says 0.99 and 0.9
                checkpoint_every=1_000,
                seed=3_407,  # the code's default
            ),
            batch_size=2_304,  # 4.1: 24 GPUs of 96
            max_s=30.0,
            spec_augment=SpecAugmentConfig(),  # the code: 2 x 64 frames, 2 x 8 bands
            neutral_gender=True,  # 3.3
            text_weights="roberta-base",  # 4.1
            seed=3_407,
        )

    @classmethod
    def msclap_2022(cls) -> Config:
        """Microsoft's CLAP of 2022: CNN14 and BERT-base. Source: arXiv:2206.04769."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig.msclap_2022(),  # 44.1 kHz, 64 mels, hop 320: 3.2
                audio=AudioTower(cnn=replace(CnnConfig.cnn14(), n_classes=0)),  # 3.2
                text=TextTower(published=PublishedText.bert()),  # 3.2
                projection="residual",
                dim=1_024,  # 3.2
                window_s=5.0,  # 3.2
                fill="tile",
            ),
            fit=FitConfig(steps=40_000, learning_rate=1e-3),  # 3.2: 40 epochs of 128 010 pairs
            batch_size=128,  # 3.2
            max_s=5.0,
            text_weights="bert-base-uncased",
            prompt=MICROSOFT,
        )

    @classmethod
    def msclap_2023(cls) -> Config:
        """Microsoft's CLAP of 2023: HTSAT and GPT-2. Source: arXiv:2309.05767."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig.msclap_2023(),  # 44.1 kHz, hop 320
                audio=AudioTower(htsat=HtsatConfig.tiny()),
                text=TextTower(published=PublishedText.gpt2()),
                projection="residual",
                dim=1_024,
                window_s=7.0,
                fill="tile",
            ),
            fit=FitConfig(steps=90_000, learning_rate=1e-3),  # 4.6 M pairs; epochs not published
            batch_size=1_536,
            max_s=7.0,
            text_weights="gpt2",
            prompt=MICROSOFT,
        )

    @classmethod
    def earshot_small(cls) -> Config:
        """The model that ships, as `make weights` taught it; here from random weights."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig.panns_32k(),
                audio=AudioTower(earshot=EarshotCnnConfig()),
                text=TextTower(bpe=BpeText()),
                dim=256,
                window_s=10.0,
                fill="none",
            ),
            fit=FitConfig(steps=4_000, precision="bf16"),
        )

    @classmethod
    def small(cls) -> Config:
        """HTSAT-nano and a two-layer word transformer: minutes on one core."""
        return cls(
            model=TwoTowerConfig(
                features=LogMelConfig(
                    sample_rate=16_000,  # Hz (paper 48 000)
                    n_fft=512,
                    hop_length=256,  # 126 frames in a window of 2 s (paper 1 001 in 10 s)
                    n_mels=32,  # (paper 64)
                    f_max=8_000.0,
                ),
                audio=AudioTower(htsat=HtsatConfig.nano()),  # 0.28 M parameters (paper 27.5 M)
                text=TextTower(words=WordText(transformer=TextTransformerConfig(dim=96))),
                dim=128,  # (paper 512)
                window_s=2.0,  # (paper 10)
            ),
            fit=FitConfig(steps=200, learning_rate=2e-3, warmup_steps=20),  # (paper 50 800, 1e-4)
            batch_size=64,  # (paper 2 304)
            max_s=2.0,
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
    """Train on `data` (procedural clips when None) in `out`, then measure the test split.

    `start` is a model to go on from. The folder then loads as a model. Figures: those of
    training/evaluation.py.
    """
    if config.loss == "cwcl" and start is None:
        check_text_is_trained(config.model, config.text_weights)
    clips = combination_clips(config.seed, config.toy) if data is None else data
    train, test = split_clips(clips, config)
    this = RecipeRun(
        PAPER.key, config, out, [clip.id for clip in train], resume=resume, start=start
    )
    model = this.two_tower(build)
    if config.text_weights is not None and start is None:
        start_text(model, config.text_weights)
    objective: InfoNCE | CWCL = InfoNCE()
    if config.loss == "cwcl":
        model.lock("text")
        objective = CWCL(CosineWeights(config.kappa), reduce="mean")
    if config.spec_augment is not None:
        augment(model, config.spec_augment)

    def loss_of(batch: Batch) -> Tensor:
        audio = model.embed_audio(batch.waveform, batch.n_samples)  # [batch, dim]
        text = model.embed_text(batch.captions)  # [batch, dim]
        return objective(audio, text, model.scale)

    loader = this.loader(
        train, batch_size=config.batch_size, sample_rate=model.sample_rate, max_s=config.max_s
    )
    this.fit(model, loss_of, loader.batches, config.fit)
    known = {label for clip in train for label in clip.labels}
    return this.finish(model, lambda: measure_split(model.eval(), config, known, test))


def measure_split(
    model: TwoTower, config: Config, known: set[str], test: ClipSet
) -> tuple[dict[str, float], list[str]]:
    """Figures of the test split, and a sentence for each clip that could not be read.

    For a cropping model `crop_t2a_r1` is measured beside them on one random crop of each clip, as
    the paper does.
    """
    figures, heard = two_tower_figures(model, test, known, config.prompt)
    if heard.n_long:
        loader = BatchLoader(
            ClipSet(heard.clips, labels=test.labels),
            batch_size=min(config.batch_size, len(heard.clips)),
            sample_rate=model.sample_rate,
            max_s=model.window_s,
            seed=config.seed,
        )
        crops = hear_crops(model.embed_audio, loader, model.logit_scale.device)
        cropped = retrieval_figures(Embedder(model, PAPER.key).embed_texts, crops)
        figures |= {f"crop_{name}": cropped[name] for name in cropped.keys() & {"t2a_r1"}}
    return figures, heard.faults


def split_clips(clips: ClipSet, config: Config) -> tuple[ClipSet, ClipSet]:
    """Training clips with the captions that this config gives them, and test clips."""
    train, test = train_and_test(clips, config.seed)
    told = with_captions(
        train,
        config.seed,
        per_keywords=config.captions_per_keywords,
        neutral_gender=config.neutral_gender,
    )
    return shuffled_captions(told, config.seed) if config.shuffle_captions else told, test


def augment(model: TwoTower, config: SpecAugmentConfig) -> None:
    """Mask stripes of every log-mel on its way into the audio encoder, while training."""
    masks = SpecAugment(config)

    def masked(encoder: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        log_mel, n_frames, *rest = given
        masks.train(encoder.training)
        return (masks(log_mel, n_frames), n_frames, *rest)

    model.audio_encoder.register_forward_pre_hook(masked)


def claim() -> Experiment:
    """Both claims: arms, controls and comparisons."""
    base = Config.small()
    shuffled = replace(base, shuffle_captions=True)
    chance = 1 / base.toy.n_test
    five_chances = 5 / len(combinations(base.toy))
    long = long_clips_config(base)
    squeezed = replace(long, model=replace(long.model, long_clips="resize"), max_s=8.0)
    fusing = AudioTower(htsat=replace(HtsatConfig.nano(), fusion="aff"))
    fused = replace(long, model=replace(long.model, audio=fusing, long_clips="fusion"), max_s=8.0)
    return Experiment(
        recipe=PAPER.key,
        arms=(
            Arm("clap", base, "taught by captions"),
            Arm("shuffled", shuffled, "control: each clip with another's captions"),
            Arm("rand_trunc", long, "8 s clips, cropped at random to 2 s"),
            Arm("resize", squeezed, "8 s clips, squeezed to 2 s"),
            Arm("aff", fused, "8 s clips, four views fused by attention"),
        ),
        comparisons=(
            Comparison("zero_shot", "zero_shot_unseen", "clap", five_chances),
            Comparison("zero_shot", "zero_shot_unseen", "clap", "shuffled"),
            Comparison("zero_shot", "t2a_r1", "clap", 10 * chance),
            Comparison("zero_shot", "t2a_r1", "clap", "shuffled"),
            Comparison("fusion", "t2a_r1", "aff", "rand_trunc", against_figure="crop_t2a_r1"),
            Comparison("fusion", "t2a_r1", "aff", "rand_trunc"),
            Comparison("fusion", "t2a_r1", "aff", "resize", "not below"),
        ),
        measure=measure,
    )


def long_clips_config(base: Config) -> Config:
    """Eight seconds of noise with one event of one second, for a model that hears two.

    The kinds are easily told apart where they are heard: what counts is whether they are.
    """
    toy = replace(
        base.toy,
        kinds=(*TWELVE, *TWELVE_MORE),
        axes=(),
        held_out=0.0,
        n_train=800,
        clip_s=8.0,
        event_s=1.0,
        snr_db=(20.0, 30.0),
    )
    return replace(base, toy=toy, fit=replace(base.fit, steps=400))


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
