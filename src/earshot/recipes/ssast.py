"""SSAST: Self-Supervised Audio Spectrogram Transformer (arXiv:2110.09784).

    paper                            here                                 differs from the paper
    patches, frames       2.2        encoders/patches.py
    transformer           2.2        encoders/spectrogram_transformer.py  padding masked, if asked
    masking               Alg. 1     layers/patch_mask.py                 no wrap round the edges
    discriminative task   Eq. 1      objectives/masked_patches.py         transposed as an option
    generative task       Eq. 2      the same
    joint training        Eq. 3      models/pretraining/masked_spectrogram.py
    fine-tuning           3.2        training/transfer.py                 no LayerNorm in the head
    released checkpoints  code       models/loading/ssast.py, transformers_ast.py

Clips without labels teach the encoder: part of each spectrogram is hidden, and the encoder has to
say which hidden patch is which and what each looks like. Then a few clips with labels are learnt.
The claims: both tasks at once are worth more to few labels than none, and not less than either.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, BatchLoader, ClipSet
from earshot.data.captioned import train_and_test
from earshot.data.open import open_clips
from earshot.data.shared import need_shared_data, shared_data, shared_folds
from earshot.encoders.patches import PatchConfig
from earshot.encoders.spectrogram_transformer import (
    SpectrogramTransformer,
    SpectrogramTransformerConfig,
)
from earshot.features import KaldiFbank, KaldiFbankConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.pretraining.masked_spectrogram import MaskedSpectrogram, MaskingConfig
from earshot.models.sound_encoder import SoundEncoder
from earshot.synth.event_pool import EventPoolConfig, event_pool
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun
from earshot.training.transfer import TransferConfig, few_of_each, transfer

PAPER = Paper(
    key="ssast",
    title="SSAST: Self-Supervised Audio Spectrogram Transformer",
    arxiv=("2110.09784",),
    family="representation",
    year=2022,
    claims={
        "joint": "Pre-trained on clips without labels by telling hidden patches apart and drawing "
        "them anew, it learns few labels better than from scratch, and not worse than by either "
        "task alone.",
        "pretext": "It tells the hidden patches of clips that it never heard apart, and does not "
        "where the patches to find are another clip's.",
        "real": "The same against from scratch on environmental sounds and instruments.",
    },
)
REAL = ("esc10", "instruments")  # recordings of the claim "real"
TEST_FOLD = "4"  # of esc10
TEST_SHARE = 0.25  # of instruments


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: SoundEncoderConfig
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    fit: FitConfig = field(default_factory=FitConfig)  # of pre-training
    transfer: TransferConfig = field(default_factory=TransferConfig)  # of learning few labels
    probe: TransferConfig = field(default_factory=lambda: TransferConfig("frozen"))
    pretrained: bool = True  # False: few labels from scratch, the baseline
    batch_size: int = 24  # clips without labels, over all processes
    n_labelled: int = 20  # clips of each label that are learnt
    real: bool = False  # recordings instead of made events, where no clips are given
    toy: EventPoolConfig = field(default_factory=EventPoolConfig)
    seed: int = 0

    @classmethod
    def paper(cls) -> Config:
        """SSAST-Base-Patch-400: 88.8 M parameters with the heads that it never uses."""
        return cls(
            model=SoundEncoderConfig(
                audio=AudioTower(spectrogram=_as_released(PatchConfig())),  # 16 by 16: 3.1
                fbank=KaldiFbankConfig.ast(),  # 128 bands, 25 ms every 10 ms: 2.2
                window_s=10.24,  # 1 024 frames, the last two of them padding
            ),
            masking=MaskingConfig(),  # 400 of 512 patches, lambda 10: 3.1
            fit=FitConfig(
                steps=900_000,  # 10 epochs of about 2.2 M clips: 3.1
                learning_rate=1e-4,  # 3.1
                warmup_steps=1_000,  # the code
                schedule="constant",  # the code halves it when the accuracy stays where it is
                betas=(0.95, 0.999),  # the code
                weight_decay=5e-7,  # the code
                checkpoint_every=4_000,
            ),
            transfer=TransferConfig(
                fit=FitConfig(steps=1_650, learning_rate=1e-4, weight_decay=5e-7),
                batch_size=48,  # ESC-50: 50 epochs of 1 600 clips, the code
            ),
            batch_size=24,  # 3.1
            n_labelled=32,
        )

    @classmethod
    def paper_frames(cls) -> Config:
        """SSAST-Base-Frame-400: all bands by two frames, hidden anywhere."""
        paper = cls.paper()
        frames = AudioTower(spectrogram=_as_released(PatchConfig(height=128, width=2)))
        return replace(
            paper,
            model=replace(paper.model, audio=frames),
            masking=replace(paper.masking, kind="anywhere"),
        )

    @classmethod
    def small(cls) -> Config:
        """A hundred thousand parameters on clips of one second: a minute on one core."""
        fbank = replace(
            KaldiFbankConfig.ast(),
            hop_length=320,  # 20 ms (paper 10)
            n_mels=64,  # (paper 128)
            precision="single",
        )
        encoder = SpectrogramTransformerConfig(
            PatchConfig(n_mels=64, height=16, width=8),  # 160 ms, as in the paper
            dim=64,  # (paper 768)
            depth=2,  # (paper 12)
            n_heads=4,
            mlp_dim=256,
            most_frames=48,  # 4 by 6 patches (paper 8 by 64)
            fill=KaldiFbank(fbank).pad_value,
            init_std=None,
            position_std=0.2,  # (paper 0.02) a small model finds the rows sooner
        )
        learn = FitConfig(steps=120, learning_rate=1e-3, warmup_steps=15, checkpoint_every=1_000)
        return cls(
            model=SoundEncoderConfig(
                audio=AudioTower(spectrogram=encoder), fbank=fbank, window_s=0.975
            ),
            masking=MaskingConfig(share=0.6, sides=(2, 3)),  # 14 of 24 (paper 0.78, 3 to 5)
            fit=FitConfig(
                steps=500,  # (paper 900 000)
                learning_rate=4e-3,
                warmup_steps=50,
                betas=(0.95, 0.999),
                weight_decay=5e-7,
                checkpoint_every=250,
            ),
            transfer=TransferConfig(fit=learn),
            probe=TransferConfig("frozen", fit=replace(learn, steps=300, learning_rate=1e-2)),
            batch_size=32,
            n_labelled=5,
            toy=EventPoolConfig(
                n_pool=2_000, snr_db=(10.0, 25.0), gain_db=(-6.0, 0.0), slope_db=(-3.0, 0.0)
            ),
        )

    @classmethod
    def small_real(cls) -> Config:
        """The small model on two seconds of recordings."""
        small = cls.small()
        encoder = small.model.audio.spectrogram
        assert encoder is not None
        longer = AudioTower(spectrogram=replace(encoder, most_frames=96))
        return replace(
            small,
            model=replace(small.model, audio=longer, window_s=1.935),
            fit=replace(small.fit, steps=300),
            real=True,
        )


def _as_released(patches: PatchConfig) -> SpectrogramTransformerConfig:
    """The base model as it was trained: padding is heard like sound."""
    fill = KaldiFbank(KaldiFbankConfig.ast()).pad_value
    return SpectrogramTransformerConfig(patches, padding="attended", fill=fill)


def build(config: Config) -> SoundEncoder:
    """The encoder with random weights."""
    return build_sound_encoder(config.model)


def build_pretraining(config: Config, model: SoundEncoder) -> MaskedSpectrogram:
    """The encoder of `model` with the heads that teach it; EarShotError for another kind."""
    encoder = model.audio_encoder
    if not isinstance(encoder, SpectrogramTransformer):
        raise EarShotError(
            got="another encoder than a spectrogram transformer",
            expected="model.audio.spectrogram",
            mend="Only that one has patches to hide.",
        )
    return MaskedSpectrogram(encoder, config.masking)


def run(config: Config, data: ClipSet | None, out: Path, *, resume: bool = False) -> Report:
    """Pre-train in `out` on clips whose labels are not looked at, then learn `n_labelled` of each.

    `data` has splits train and test, or is parted; a split "pool" is heard beside train. Where its
    clips have no single label each, only pre-training is run and measured. Figures: `accuracy` of
    the test after fine-tuning, `probe_accuracy` of a linear head over the encoder as it stands,
    `pretext_accuracy`, `pretext_chance`, `reconstruction`. The folder holds the encoder as
    pre-trained.
    """
    pool, train, test = parts(config, data)
    this = RecipeRun(PAPER.key, config, out, [clip.id for clip in (*pool, *train)], resume=resume)
    model = build(config)
    task = build_pretraining(config, model)

    def loss_of(batch: Batch) -> dict[str, Tensor]:
        return task(*model.frames(batch.waveform, batch.n_samples))

    if config.pretrained:
        loader = this.loader(
            pool,
            batch_size=config.batch_size,
            sample_rate=model.sample_rate,
            max_s=model.window_s,
            bucket=False,
        )
        both = nn.ModuleList([model.features, task])  # the front end goes to the device with it
        this.fit(both, loss_of, loader.batches, config.fit, stage="pretraining")
    figures: dict[str, float] = {}
    faults: list[str] = []
    if _has_labels(train, test):
        few = few_of_each(train, config.n_labelled, config.seed)
        for name, how in (("", config.transfer), ("probe_", config.probe)):
            stage = partial(this.fit, stage=f"{name or 'tuning_'}labels")
            own = copy.deepcopy(model.eval())
            learnt = transfer(own, few, test, how, out, seed=config.seed, run_fit=stage)
            figures |= {f"{name}{key}": value for key, value in learnt.figures.items()}
            faults += learnt.faults

    def measure() -> tuple[dict[str, float], list[str]]:
        return {**figures, **pretext_figures(model, task, test, config)}, sorted({*faults})

    return this.finish(model.eval(), measure)


def pretext_figures(
    model: SoundEncoder, task: MaskedSpectrogram, clips: ClipSet, config: Config
) -> dict[str, float]:
    """How well hidden patches of `clips` are told apart and drawn, by masks of one seed."""
    size = min(config.batch_size, len(clips))
    both = replace(config.masking, tasks=("identify", "reconstruct"), wrong_targets=False)
    judge = copy.copy(task.eval())
    judge.config = both
    loader = BatchLoader(
        clips, batch_size=size, sample_rate=model.sample_rate, max_s=model.window_s, crop="start"
    )
    right = drawn = hidden = heard = 0.0
    device = next(task.parameters()).device
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for batch in loader.epoch():
            frames = model.frames(batch.waveform.to(device), batch.n_samples.to(device))
            found, n = judge(*frames), len(batch.waveform)
            right += n * float(found["accuracy"])
            drawn += n * float(found["reconstruction"])
            hidden += float((1 / judge.mask(judge.v.filled(*frames)).sum(1)).sum())
            heard += n
    return {
        "pretext_accuracy": right / heard,
        "pretext_chance": hidden / heard,
        "reconstruction": drawn / heard,
    }


def parts(config: Config, data: ClipSet | None) -> tuple[ClipSet, ClipSet, ClipSet]:
    """Clips to pre-train on, clips to learn labels of, and clips to be tested on."""
    if data is None:
        data = real_clips(config.seed) if config.real else event_pool(config.seed, config.toy)
    train, test = train_and_test(data, config.seed)
    if "pool" not in data.splits:
        return train, train, test
    both = [*data.split("pool"), *train]
    return ClipSet(both, name=f"{data.name}/pool", labels=data.labels), train, test


def real_clips(seed: int) -> ClipSet:
    """Environmental sounds and instruments as one set: three folds and three quarters to learn."""
    sounds = shared_folds(REAL[0], TEST_FOLD)
    rest, held_out = open_clips(need_shared_data(REAL[1])).split_off(TEST_SHARE, seed)
    clips = [*sounds]
    clips += [replace(clip, split="train", id=f"instrument/{clip.id}") for clip in rest]
    clips += [replace(clip, split="test", id=f"instrument/{clip.id}") for clip in held_out]
    return ClipSet(clips, name="sounds and instruments")


def _has_labels(train: ClipSet, test: ClipSet) -> bool:
    """Whether every clip has one label, and there is more than one to tell apart."""
    one_each = all(len(clip.labels) == 1 for clip in (*train, *test))
    return one_each and len({clip.labels for clip in train}) > 1


def claim() -> Experiment:
    """Arms by task, controls, and the same on recordings where they are at hand."""
    base = Config.small()

    def taught(**changes: object) -> Config:
        return replace(base, masking=replace(base.masking, **changes))  # type: ignore[arg-type]

    arms = [
        Arm("joint", base, "both tasks"),
        Arm("identify", taught(tasks=("identify",)), "telling patches apart alone"),
        Arm("reconstruct", taught(tasks=("reconstruct",)), "drawing patches anew alone"),
        Arm("wrong_targets", taught(wrong_targets=True), "control: another clip's patches"),
        Arm("scratch", replace(base, pretrained=False), "few labels alone"),
    ]
    comparisons = [
        Comparison("joint", "accuracy", "joint", "scratch"),
        Comparison("joint", "accuracy", "joint", "identify", "not below"),
        Comparison("joint", "accuracy", "joint", "reconstruct", "not below"),
        Comparison("joint", "accuracy", "joint", "wrong_targets"),
        Comparison("joint", "probe_accuracy", "joint", "scratch"),
        Comparison("pretext", "pretext_accuracy", "joint", 2 / 14),  # twice chance
        Comparison("pretext", "pretext_accuracy", "joint", "wrong_targets"),
    ]
    if all(shared_data(name) is not None for name in REAL):
        real = Config.small_real()
        arms += [
            Arm("real_joint", real, "recordings: both tasks"),
            Arm("real_scratch", replace(real, pretrained=False), "recordings: few labels alone"),
        ]
        comparisons += [
            Comparison("real", "accuracy", "real_joint", "real_scratch"),
            Comparison("real", "probe_accuracy", "real_joint", "real_scratch"),
        ]
    return Experiment(PAPER.key, tuple(arms), tuple(comparisons), measure)


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
