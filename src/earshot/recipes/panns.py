"""PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition
(arXiv:1912.10211).

    paper                           here                              differs from the paper
    CNN6, CNN10, CNN14   III-A      encoders/panns.py                 padding is masked exactly
    Wavegram-CNN         III-D, E   encoders/wavegram.py
    decision level       code       encoders/decision_level.py
    log-mel              IV-A       features/log_mel.py
    cross-entropy        Eq. 1      models/pretraining/tagger.py
    balanced sampling    V-C        data/balanced.py
    mixup, SpecAugment   V-D        layers/mixup.py, spec_augment.py
    transfer             VI         training/transfer.py
    mAP, AUC, d'         V-B        training/tagging.py               over labels with positives
    released files       code       models/loading/panns.py

A CNN learns to tag clips that hold several sounds, common and rare ones, and is then put to a new
task with few labelled clips. The claims: what it has learnt is worth more there than a fresh
start; balanced sampling helps the rare labels; and the log-mel is more than the waveform alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.core.seed import generator
from earshot.data import Batch, ClipSet
from earshot.data.captioned import train_and_test
from earshot.data.open import open_clips
from earshot.data.shared import need_shared_data, shared_data, shared_folds
from earshot.encoders.panns import CnnConfig
from earshot.encoders.wavegram import WavegramConfig
from earshot.features import LogMelConfig, WaveformConfig
from earshot.layers.spec_augment import SpecAugmentConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.pretraining.tagger import Tagger
from earshot.models.sound_encoder import SoundEncoder
from earshot.synth.tagging_scenes import TaggingScenesConfig, tagging_scenes
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun
from earshot.training.tagging import tagging_figures
from earshot.training.transfer import Mode, TransferConfig, few_of_each, transfer

PAPER = Paper(
    key="panns",
    title="PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition",
    arxiv=("1912.10211",),
    family="representation",
    year=2020,
    claims={
        "transfer": "Fine-tuned on few clips of sounds it was not taught, a tagger beats the same "
        "network from scratch.",
        "balance": "Balanced sampling raises the average precision of rare labels.",
        "log_mel": "On little data the log-mel beats the waveform alone, and both together are not "
        "below it.",
        "real": "Taught by synthetic sounds, it is worth more than a fresh start on recordings.",
    },
)
TAUGHT = (
    "clock tick", "wood block", "ratchet", "microwave beep", "laser zap", "heartbeat",
    "dripping water", "crickets", "busy tone", "woodpecker", "bouncing ball", "rising sweep",
    "reversing beeps", "glass clink", "hi-hat", "can opening", "fire alarm", "falling sweep",
    "hand saw", "bubbles", "sanding", "songbird", "pig", "doorbell",
)  # fmt: skip
NEW = (
    "sonar ping", "maracas", "hammering", "ringtone", "fireworks", "two-tone siren", "breathing",
    "door knock", "humming", "typing", "kettle whistle", "hand bell", "marimba", "footsteps",
    "camera shutter", "zipper",
)  # fmt: skip


@dataclass(frozen=True)
class NewTasks:
    """What is learnt over the tagger afterwards, from scratch, fine-tuned and frozen."""

    toy: TaggingScenesConfig  # one sound a clip
    shots: tuple[int, ...] = (5, 50)  # training clips of each label of `toy`
    recordings: tuple[str, ...] = ()  # sets of real recordings, all of `few` clips a label
    few: int = 10
    modes: tuple[Mode, ...] = ("scratch", "fine_tune", "frozen")
    transfer: TransferConfig = field(default_factory=TransferConfig)


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: SoundEncoderConfig
    fit: FitConfig
    batch_size: int = 32  # clips after mixup, over all processes
    balanced: bool = True
    mixup: float = 1.0  # alpha; 0 leaves it out
    shuffle_labels: bool = False  # the control: each clip gets another clip's labels
    toy: TaggingScenesConfig = field(
        default_factory=lambda: TaggingScenesConfig(TAUGHT, n_train=800, n_test=240, skew=1.0)
    )
    tasks: NewTasks | None = None
    seed: int = 0

    @classmethod
    def paper(cls) -> Config:
        """CNN14 on AudioSet: 80.8 M parameters."""
        cnn = replace(
            CnnConfig.cnn14(), spec_augment=SpecAugmentConfig(fill="zero"), silence_db=-100.0
        )  # V-D, the code: 2 x 64 frames, 2 x 8 bands
        return cls(
            model=SoundEncoderConfig(
                audio=AudioTower(cnn=cnn),
                features=LogMelConfig.panns_32k(),  # IV-A
                window_s=10.0,
            ),
            fit=FitConfig(
                steps=600_000,  # IV-B
                learning_rate=1e-3,  # IV-B; Adam, which the code runs with amsgrad
                warmup_steps=0,
                schedule="constant",
                checkpoint_every=2_000,  # the code's evaluations
            ),
            batch_size=32,  # IV-B
        )

    @classmethod
    def wavegram_logmel(cls) -> Config:
        """Wavegram-Logmel-CNN14: 81.1 M parameters."""
        paper = cls.paper()
        cnn = replace(paper.model.audio.cnn or CnnConfig(), spec_augment=None)  # as its code
        tower = AudioTower(wavegram=WavegramConfig(cnn=cnn))
        features = replace(LogMelConfig.panns_32k(), with_samples=True)
        return replace(paper, model=replace(paper.model, audio=tower, features=features))

    @classmethod
    def small(cls) -> Config:
        """A CNN of 0.18 M parameters on scenes of one second: a minute on one core."""
        cnn = CnnConfig(
            n_mels=32,  # (paper 64)
            channels=(8, 24, 48, 96),  # (paper 64 to 2 048, six blocks)
            n_pools=4,  # (paper 5)
            dim=96,  # (paper 2 048)
            n_classes=len(TAUGHT),  # (paper 527)
            block_dropout=0.0,  # (paper 0.2)
            dropout=0.1,  # (paper 0.5)
            silence_db=-100.0,
        )
        features = LogMelConfig(
            sample_rate=16_000,  # Hz (paper 32 000)
            n_fft=512,
            hop_length=500,  # 32 frames a second (paper 100)
            n_mels=32,
            f_max=8_000.0,
            precision="single",
        )
        fit = FitConfig(steps=140, learning_rate=3e-3, warmup_steps=20)
        learn = FitConfig(steps=60, learning_rate=2e-3, warmup_steps=10)
        learn_head = FitConfig(steps=300, learning_rate=1e-2, warmup_steps=10)
        return cls(
            model=SoundEncoderConfig(audio=AudioTower(cnn=cnn), features=features, window_s=2.0),
            fit=fit,  # (paper 600 000 steps)
            tasks=NewTasks(
                TaggingScenesConfig(
                    NEW, n_train=800, n_test=240, events=(1, 1), snr_db=(-8.0, 6.0)
                ),
                transfer=TransferConfig(fit=learn, frozen_fit=learn_head),
            ),
        )

    @property
    def cnn(self) -> CnnConfig:
        """The sizes of the CNN, beside a wavegram too."""
        tower = self.model.audio
        cnn = tower.wavegram.cnn if tower.wavegram is not None else tower.cnn
        if cnn is None:
            raise EarShotError(
                got="another audio tower than a PANNs CNN",
                expected="model.audio.cnn or model.audio.wavegram",
                mend="Set one of them, and the others to none.",
            )
        return cnn

    def with_cnn(self, cnn: CnnConfig) -> Config:
        """The same with another CNN in its place."""
        tower = self.model.audio
        if tower.wavegram is not None:
            audio = replace(tower, wavegram=replace(tower.wavegram, cnn=cnn))
        else:
            audio = replace(tower, cnn=cnn)
        return replace(self, model=replace(self.model, audio=audio))


def build(config: Config) -> SoundEncoder:
    """The tagger with random weights: an encoder of sound with its head of labels."""
    return build_sound_encoder(config.model)


def run(config: Config, data: ClipSet | None, out: Path, *, resume: bool = False) -> Report:
    """Train a tagger on `data` (procedural scenes when None) in `out`, then try it on new tasks.

    The head gets as many labels as the clips have. The folder then serves as an encoder of sound.
    Figures: training/tagging.py, and TASK_MODE_SHOTS, the accuracy on each new task.
    """
    clips = tagging_scenes(config.seed, config.toy) if data is None else data
    config = config.with_cnn(replace(config.cnn, n_classes=len(clips.labels)))
    train, test = train_and_test(clips, config.seed)
    taught = shuffled_labels(train, config.seed) if config.shuffle_labels else train
    this = RecipeRun(PAPER.key, config, out, [clip.id for clip in train], resume=resume)
    encoder = build(config)
    tagger = Tagger(encoder, config.mixup)
    loader = this.loader(
        taught,
        batch_size=config.batch_size * (2 if config.mixup > 0 else 1),
        sample_rate=encoder.sample_rate,
        max_s=encoder.window_s,
        balanced=config.balanced,
        bucket=False,
    )

    def loss_of(batch: Batch) -> dict[str, torch.Tensor]:
        if batch.labels_hot is None:
            raise EarShotError(
                got="clips without labels", expected="labels to tag", mend="Name them in --data."
            )
        return tagger(batch.waveform, batch.n_samples, batch.labels_hot)

    this.fit(tagger, loss_of, loader.batches, config.fit, stage="tagging")
    learnt, notes = try_new_tasks(config, encoder, this)

    def measure() -> tuple[dict[str, float], list[str]]:
        tagged, faults = tagging_figures(tagger.eval(), test, train)
        return {**tagged, **learnt}, [*faults, *notes]

    return this.finish(encoder, measure, labels=list(clips.labels))


def try_new_tasks(
    config: Config, encoder: SoundEncoder, this: RecipeRun
) -> tuple[dict[str, float], list[str]]:
    """The accuracy on each new task by mode and shots, and what could not be heard."""
    figures: dict[str, float] = {}
    notes: list[str] = []
    for name, train, test in new_tasks(config):
        assert config.tasks is not None
        task, _, shots = name.rpartition("_")
        for mode in config.tasks.modes:
            started = copy.deepcopy(encoder)
            if mode == "scratch":
                torch.manual_seed(config.seed)
                started = build(config).to(next(encoder.parameters()).device)
            stage = f"{task}_{mode}_{shots}"
            found = transfer(
                started,
                train,
                test,
                replace(config.tasks.transfer, mode=mode),
                this.out / stage,
                seed=config.seed,
                run_fit=partial(this.fit, stage=stage),
            )
            figures[stage] = found.figures["accuracy"]
            notes += [fault for fault in found.faults if fault not in notes]
    return figures, notes


def new_tasks(config: Config) -> Iterator[tuple[str, ClipSet, ClipSet]]:
    """Each new task: TASK_SHOTS, clips to learn from and clips to be tested on."""
    tasks = config.tasks
    if tasks is None:
        return
    clips = tagging_scenes(config.seed, tasks.toy)
    for shots in tasks.shots:
        train = few_of_each(clips.split("train"), shots, config.seed)
        yield f"new_{shots}", train, clips.split("test")
    for name in tasks.recordings:
        train, test = recordings(name, config.seed)
        yield f"{name}_{tasks.few}", few_of_each(train, tasks.few, config.seed), test


def recordings(name: str, seed: int) -> tuple[ClipSet, ClipSet]:
    """Real clips in two parts: by the set's own folds if it has any, else halves of each label."""
    clips = open_clips(need_shared_data(name))
    if "fold" in clips[0].extra:
        folds = sorted({str(clip.extra["fold"]) for clip in clips})
        parted = shared_folds(name, folds[seed % len(folds)])
        return parted.split("train"), parted.split("test")
    return clips.split_off(0.5, seed)


def shuffled_labels(clips: ClipSet, seed: int) -> ClipSet:
    """Every clip with another one's labels: as common or rare as they were, and wrong."""
    order = generator(seed, "shuffle labels").permutation(len(clips))
    told = [
        replace(clip, labels=clips[int(i)].labels) for clip, i in zip(clips, order, strict=True)
    ]
    return ClipSet(told, name=clips.name, labels=clips.labels)


def claim() -> Experiment:
    """Arms by sampling, mixup and front end; the new tasks are within the first ones."""
    base = Config.small()
    assert base.tasks is not None
    real = tuple(name for name in ("esc10", "instruments") if shared_data(name) is not None)
    first = replace(base, tasks=replace(base.tasks, recordings=real))
    few = replace(base.tasks, shots=(5,), modes=("fine_tune", "frozen"))
    alone = replace(base, tasks=None)
    arms = (
        Arm("panns", first, "balanced sampling and mixup, as in the paper"),
        Arm("shuffled", replace(base, shuffle_labels=True, tasks=few), "control: wrong labels"),
        Arm("balanced", replace(alone, mixup=0.0), "balanced sampling alone"),
        Arm("plain", replace(alone, mixup=0.0, balanced=False), "clips as often as they are"),
        Arm("wavegram", wavegram(alone, log_mel=False), "the waveform in the place of the log-mel"),
        Arm("wavegram_logmel", wavegram(alone, log_mel=True), "both"),
    )
    comparisons = [
        _beside("transfer", "new_fine_tune_5", "new_scratch_5"),
        _beside("transfer", "new_frozen_5", "new_scratch_5"),
        _beside("transfer", "new_fine_tune_5", "new_frozen_5"),
        _beside("transfer", "new_fine_tune_50", "new_scratch_50"),
        Comparison("transfer", "new_fine_tune_5", "panns", "shuffled"),
        Comparison("transfer", "new_frozen_5", "panns", "shuffled"),
        Comparison("balance", "mAP_tail", "balanced", "plain"),
        Comparison("balance", "mAP", "balanced", "plain"),
        Comparison("balance", "mAP", "panns", "balanced"),
        Comparison("log_mel", "mAP", "panns", "wavegram"),
        Comparison("log_mel", "mAP", "wavegram_logmel", "panns", "not below"),
    ]
    for name in real:
        for mode in ("fine_tune", "frozen"):
            comparisons.append(_beside("real", f"{name}_{mode}_10", f"{name}_scratch_10"))
    return Experiment(PAPER.key, arms, tuple(comparisons), measure)


def _beside(claim_name: str, figure: str, against: str) -> Comparison:
    """A figure of the first arm against another one of its own."""
    return Comparison(claim_name, figure, "panns", "panns", against_figure=against)


def wavegram(config: Config, *, log_mel: bool) -> Config:
    """The same config over the waveform, beside the log-mel or alone."""
    sizes = WavegramConfig(
        cnn=config.cnn,
        log_mel=log_mel,
        stem=16,
        channels=(16, 32, 64),  # 16 rows a picture
        pools=(4, 5, 5),  # a column is 500 samples, as a frame of the log-mel
        n_groups=4,
    )
    model = replace(config.model, audio=AudioTower(wavegram=sizes))
    if log_mel:
        assert model.features is not None
        return replace(
            config, model=replace(model, features=replace(model.features, with_samples=True))
        )
    samples = WaveformConfig(sample_rate=16_000, unit_variance=False)
    return replace(config, model=replace(model, features=None, waveform=samples))


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
