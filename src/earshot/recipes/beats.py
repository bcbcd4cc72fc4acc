"""BEATs: Audio Pre-Training with Acoustic Tokenizers (arXiv:2212.09058).

    paper                           here                                 differs from the paper
    backbone            3.1         encoders/beats.py                    rows that are partly
                                                                         padding are left out
    random projection   3.2.1       layers/random_projection.py          layer norm before the codes
    distilled tokenizer 3.2.2       encoders/beats_tokenizer.py,         codes are running means, as
                                    models/pretraining/                  in its code
                                    tokenizer_distillation.py
    masked labels       3.3, Eq. 6  models/pretraining/masked_labels.py  hidden patches keep places
    reconstruction      baseline    the same, target="pixels"
    the loop            Fig. 1      run
    fine-tuned teachers 3.2.2       not here
    released files      code        models/loading/beats.py

Labels of patches by a random projection teach the first encoder. Its states teach a tokenizer,
whose labels teach the next encoder from the beginning; and so on. The claims: labels teach more
than pixels do, and labels distilled from an encoder say more of what is heard and teach more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, ClipSet
from earshot.data.captioned import train_and_test
from earshot.data.open import open_clips
from earshot.data.shared import need_shared_data, shared_data
from earshot.encoders.beats import BeatsConfig
from earshot.encoders.beats_tokenizer import BeatsTokenizer, BeatsTokenizerConfig
from earshot.features import KaldiFbankConfig
from earshot.layers.deepnorm_transformer import DeepNormConfig
from earshot.layers.ema_codebook import EmaCodebookConfig
from earshot.layers.random_projection import RandomProjection, RandomProjectionConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.pretraining.masked_labels import MaskedLabels, MaskedLabelsConfig
from earshot.models.pretraining.tokenizer_distillation import TokenizerDistillation
from earshot.models.sound_encoder import SoundEncoder
from earshot.synth.event_pool import EventPoolConfig, event_pool
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.layer_probe import LayerProbeConfig
from earshot.training.pretraining_figures import Codes, Task, labelled_task, task_figures
from earshot.training.recipe_run import RecipeRun

PAPER = Paper(
    key="beats",
    title="BEATs: Audio Pre-Training with Acoustic Tokenizers",
    arxiv=("2212.09058",),
    family="representation",
    year=2022,
    claims={
        "labels": "Telling the labels of hidden patches makes a better frozen encoder than drawing "
        "their pixels, than telling another clip's labels, and than no training.",
        "iterations": "Labels of a tokenizer distilled from the first encoder say more of what is "
        "heard than those of a random projection, and make a better encoder.",
        "real": "The same on recordings of environmental sounds and of instruments.",
    },
)
T = TypeVar("T")
RECORDINGS = ("esc10", "instruments")


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: SoundEncoderConfig
    fit: FitConfig
    tokenizer_fit: FitConfig
    masking: MaskedLabelsConfig = field(default_factory=MaskedLabelsConfig)
    first: RandomProjectionConfig = field(
        default_factory=lambda: RandomProjectionConfig(compare="layer_norm")
    )  # the tokenizer of the first iteration
    codebook: EmaCodebookConfig = field(default_factory=EmaCodebookConfig)  # of later ones
    iterations: int = 2  # encoders, each with a tokenizer of its own
    estimator_depth: int = 3  # layers that tell the teacher's states from codes
    commitment: float = 1.0
    standardise: bool = False  # the teacher's states; not in the paper
    batch_size: int = 32  # clips, over all processes
    tokenizer_batch_size: int = 32
    recordings: tuple[str, ...] = ()  # sets of real sounds instead of the toy, without --data
    toy: EventPoolConfig = field(default_factory=EventPoolConfig)
    probe: LayerProbeConfig = field(default_factory=LayerProbeConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.iterations < 1 or (self.iterations > 1 and self.masking.target == "pixels"):
            raise EarShotError(
                got=f"iterations={self.iterations} with masking.target={self.masking.target}",
                expected="1 or more, and 1 where pixels are drawn: they have no tokenizer",
                mend="Set iterations accordingly.",
            )
        beats = self.model.audio.beats
        if beats is None or self.first.n_inputs != beats.patch**2:
            raise EarShotError(
                got=f"first.n_inputs={self.first.n_inputs} with "
                f"{'another encoder' if beats is None else f'patches of {beats.patch}'}",
                expected="model.audio.beats, and first.n_inputs of its patch times its patch",
                mend="Set first.n_inputs accordingly.",
            )
        if self.first.n_codes != self.codebook.n_codes:
            raise EarShotError(
                got=f"{self.first.n_codes} first labels and {self.codebook.n_codes} later ones",
                expected="as many in every iteration",
                mend="Set first.n_codes and codebook.n_codes alike.",
            )

    @classmethod
    def paper(cls) -> Config:
        """BEATs_iter3: 90.3 M parameters, three iterations of 400 000 steps on AudioSet."""
        fit = FitConfig(
            steps=400_000,  # 4.2
            learning_rate=5e-4,  # 4.2
            warmup_steps=32_000,
            schedule="cosine",  # (paper linear)
            betas=(0.9, 0.98),
            weight_decay=0.01,
            precision="bf16",
            checkpoint_every=5_000,
        )
        return cls(
            model=SoundEncoderConfig(
                fbank=KaldiFbankConfig.beats(),  # 4.2
                audio=AudioTower(beats=BeatsConfig()),  # 4.2
                window_s=10.0,
            ),
            fit=fit,
            tokenizer_fit=replace(fit, learning_rate=5e-5),
            iterations=3,
            batch_size=560,  # 5 600 s
            tokenizer_batch_size=140,  # 1 400 s
        )

    @classmethod
    def small(cls) -> Config:
        """A quarter of a million parameters on a second of sound: a minute on one core."""
        fit = FitConfig(
            steps=250,  # (paper 400 000)
            learning_rate=2e-3,
            warmup_steps=30,
            betas=(0.9, 0.98),
            weight_decay=0.01,
            clip_norm=1.0,
            checkpoint_every=250,
        )
        trunk = DeepNormConfig(
            dim=96,  # (paper 768)
            depth=3,  # (paper 12)
            n_heads=4,
            mlp_dim=192,  # (paper 3 072)
            conv_width=16,  # (paper 128)
            conv_groups=8,
            n_buckets=64,
            max_distance=96,
            dropout=0.0,
            attention_dropout=0.0,
            layer_drop=0.0,
        )
        return cls(
            model=SoundEncoderConfig(
                fbank=KaldiFbankConfig(
                    n_mels=64,  # (paper 128)
                    gain=2.0**15,
                    mean=16.9,  # of the toy's clips
                    std=3.3,
                    precision="single",
                ),
                audio=AudioTower(beats=BeatsConfig(n_mels=64, embed_dim=96, transformer=trunk)),
                window_s=0.975,  # 96 frames (paper 10 s)
            ),
            fit=fit,
            tokenizer_fit=replace(fit, steps=150),
            masking=MaskedLabelsConfig(predictor_depth=1),
            first=RandomProjectionConfig(n_codes=64, code_dim=32),
            codebook=EmaCodebookConfig(n_codes=64, dim=32),  # (paper 1 024 of 256)
            toy=EventPoolConfig(n_pool=1_500),
            estimator_depth=1,
            standardise=True,
        )


def build(config: Config) -> SoundEncoder:
    """The encoder with random weights; its front end and window."""
    return build_sound_encoder(config.model)


def run(config: Config, data: ClipSet | None, out: Path, *, resume: bool = False) -> Report:
    """Train tokenizers and encoders in turn in `out`, then probe all of the encoders, frozen.

    Labels of `data` are used by the probe alone. The folder then loads as a model: the last
    encoder. Figures: training/pretraining_figures.py, by iteration; 0 is the encoder before any.
    """
    pool, tasks = clips_of(config, data)
    this = RecipeRun(PAPER.key, config, out, [clip.id for clip in pool], resume=resume)
    model = drawn(config.seed, lambda: build(config))
    options = {"sample_rate": model.sample_rate, "max_s": model.window_s, "bucket": False}
    loader = this.loader(pool, batch_size=config.batch_size, **options)
    tokenizer_loader = loader
    if config.tokenizer_batch_size != config.batch_size:
        tokenizer_loader = this.loader(pool, batch_size=config.tokenizer_batch_size, **options)
    first = RandomProjection(replace(config.first, seed=config.first.seed + config.seed))
    models, tokenizers = {"0": model}, dict[str, Codes]()
    for turn in range(1, config.iterations + 1):
        name = str(turn)
        if turn == 1:
            tokenizers[name] = first_codes(first, models["0"])
        else:
            tokenizer = distil(this, config, model, tokenizer_loader.batches, turn)
            tokenizers[name] = later_codes(tokenizer)
        model = drawn(config.seed, lambda: build(config))  # each encoder starts anew
        heads = drawn(config.seed + 1, partial(heads_of, config, model))
        labels_of = tokenizers[name]

        def loss_of(
            batch: Batch, model: SoundEncoder = model, heads: MaskedLabels = heads,
            labels_of: Codes = labels_of,
        ) -> dict[str, Tensor]:  # fmt: skip
            log_mel, n_frames = hear(model, batch)
            return heads(log_mel, n_frames, lambda *given: labels_of(*given)[0])

        this.fit(heads, loss_of, loader.batches, config.fit, stage=f"encoder_{turn}")
        models[name] = model.eval()
    if config.masking.target == "pixels":
        tokenizers.clear()

    def measure() -> tuple[dict[str, float], list[str]]:
        figures: dict[str, float] = {}
        notes: list[str] = []
        for name, task in tasks.items():
            found, faults = task_figures(
                task, models, tokenizers, config.codebook.n_codes, config.probe, config.seed
            )
            figures |= {f"{name}_{key}": value for key, value in found.items()}
            notes += faults
        return figures, notes

    return this.finish(model, measure)


def distil(
    this: RecipeRun, config: Config, teacher: SoundEncoder, batches: Callable, turn: int
) -> BeatsTokenizer:
    """The tokenizer of iteration `turn`, taught by the encoder of the one before."""
    assert config.model.audio.beats is not None
    sizes = BeatsTokenizerConfig(config.model.audio.beats, config.codebook)
    student = drawn(
        config.seed + turn,
        lambda: TokenizerDistillation(
            BeatsTokenizer(sizes),
            teacher.audio_encoder.dim,
            estimator_depth=config.estimator_depth,
            commitment=config.commitment,
            standardise=config.standardise,
        ),
    )
    teacher.eval()

    def loss_of(batch: Batch) -> dict[str, Tensor]:
        return student(*hear(teacher, batch), teacher.audio_encoder)

    this.fit(student, loss_of, batches, config.tokenizer_fit, stage=f"tokenizer_{turn}")
    return student.tokenizer.eval()


def heads_of(config: Config, model: SoundEncoder) -> MaskedLabels:
    """What asks for hidden patches, over the encoder of `model`."""
    return MaskedLabels(model.audio_encoder, config.masking, config.codebook.n_codes)


def first_codes(projection: RandomProjection, model: SoundEncoder) -> Codes:
    """The labels of a random projection of each patch; `model` cuts them."""

    def codes(log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        patches, padding = model.audio_encoder.patches(log_mel, n_frames)
        return projection.to(log_mel.device)(patches), padding

    return codes


def later_codes(tokenizer: BeatsTokenizer) -> Codes:
    """The labels of a trained tokenizer."""

    def codes(log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        device = tokenizer.quantize.weight.device
        with torch.no_grad():
            found, padding = tokenizer(log_mel.to(device), n_frames.to(device))
        return found.codes, padding

    return codes


def hear(model: SoundEncoder, batch: Batch) -> tuple[Tensor, Tensor]:
    """The filter bank of a batch, on the device where the batch is."""
    model.features.to(batch.waveform.device)
    return model.frames(batch.waveform, batch.n_samples)


def drawn(seed: int, make: Callable[[], T]) -> T:
    """What `make` builds under a seed of its own, whatever was trained or loaded before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def clips_of(config: Config, data: ClipSet | None) -> tuple[ClipSet, dict[str, Task]]:
    """The clips to hear without labels, and the tasks of probes by name; none without labels."""
    if data is not None:
        train, test = train_and_test(data, config.seed)
        return train, {"probe": task} if (task := labelled_task(train, test)) else {}
    if config.recordings:
        tasks, pool = {}, []
        for name in config.recordings:
            train, test = real_split(name, config.seed)
            tasks[name] = Task(train, test)
            pool += list(train)
        return ClipSet(pool, name="recordings"), tasks
    clips = event_pool(config.seed, config.toy)
    pool = clips.split("pool")
    return pool, {"events": Task(clips.split("train"), clips.split("test"))}


def real_split(name: str, seed: int) -> tuple[ClipSet, ClipSet]:
    """A set of recordings in two: one fold by the seed is the test, or a quarter of each label."""
    clips = open_clips(need_shared_data(name))
    if all(clip.extra.get("fold") for clip in clips):
        turn = clips.folds()[seed % len(clips.folds())]
        return turn.train, turn.held_out
    return clips.split_off(0.25, seed)


def claim() -> Experiment:
    """Labels against pixels and the control; the iterations of one run; recordings where at hand.

    Figures of one arm's iterations are compared with each other: they share seed and clips.
    """
    base = Config.small()
    pixels = replace(base, iterations=1, masking=replace(base.masking, target="pixels"))
    shuffled = replace(base, iterations=1, masking=replace(base.masking, shuffled=True))
    arms = [
        Arm("beats", base, "labels of a random projection, then of a distilled tokenizer"),
        Arm("pixels", pixels, "hidden patches are drawn"),
        Arm("shuffled", shuffled, "control: the labels of another clip"),
    ]
    comparisons = [
        *_against("labels", "events", "1", "beats", "pixels"),
        *_against("labels", "events", "1", "beats", "shuffled"),
        *_against("labels", "events", "1", "beats", "beats", "0"),
        *_against("iterations", "events", "2", "beats", "beats", "1"),
        *_against("iterations", "events", "2", "beats", "pixels", "1"),
        Comparison(
            "iterations", "events_information_2", "beats", "beats",
            against_figure="events_information_1",
        ),
    ]  # fmt: skip
    if all(shared_data(name) is not None for name in RECORDINGS):
        fbank = replace(KaldiFbankConfig.beats(), n_mels=64, precision="single")
        real = replace(base, recordings=RECORDINGS, model=replace(base.model, fbank=fbank))
        drawn_real = replace(real, iterations=1, masking=pixels.masking)
        arms += [
            Arm("real_beats", real, "recordings: both iterations"),
            Arm("real_pixels", drawn_real, "recordings: hidden patches are drawn"),
        ]
        for name in RECORDINGS:
            comparisons += [
                *_against("real", name, "1", "real_beats", "real_pixels"),
                *_against("real", name, "1", "real_beats", "real_beats", "0"),
                *_against("real", name, "2", "real_beats", "real_beats", "1"),
            ]
    return Experiment(PAPER.key, tuple(arms), tuple(comparisons), measure)


def _against(
    claim: str, task: str, turn: str, arm: str, other: str, other_turn: str | None = None
) -> list[Comparison]:
    """Accuracy of an iteration against another, or against the same of another arm."""
    figure, against = (f"{task}_accuracy_{each}" for each in (turn, other_turn or "1"))
    return [Comparison(claim, figure, arm, other, against_figure=against)]


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
