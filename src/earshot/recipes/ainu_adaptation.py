"""Adapting a multilingual speech model to a new, under-resourced language (arXiv:2301.07295).

    paper                              here                             differs from the paper
    XLSR-53, wav2vec 2.0 large         encoders/wav2vec2.py             small: over a log-mel
    its pre-training                   models/pretraining/wav2vec2.py   loss by hidden step
    its published weights              models/loading/wav2vec2.py       refused without quantiser
    continued pre-training             training/adaptation.py           Gumbel temperature 0.5
    fine-tuning by CTC                 models/recognizer.py, training/adaptation.py
    frozen convolutions, then layers   training/adaptation.py
    three-stage learning rate          training/schedules.py
    multilingual fine-tuning           training/spoken_batches.py       p_l ~ (n_l / N)^alpha
    Latin transliteration              text/latin.py                    of Cyrillic and Greek too
    Ainu and its relatives             synth/language_family.py         made up; the set `stamps`

A model that was pre-trained on other languages comes to a new one by routes: fine-tuning on its few
labels (S0), on these and another language's (S1), after pre-training has gone on with its
unlabelled audio (S2), and both (S3). The claim: unlabelled audio of the language helps more than
labels of another, and those help where that language is near and labels are very few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import ClipSet
from earshot.data.shared import shared_data
from earshot.encoders.wav2vec2 import Wav2Vec2Encoder, Wav2Vec2EncoderConfig
from earshot.features import LogMelConfig, WaveformConfig
from earshot.layers.gumbel_quantizer import GumbelQuantizerConfig
from earshot.layers.span_mask import SpanMaskConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig
from earshot.models.loading.wav2vec2 import load_pretraining
from earshot.models.pretraining.wav2vec2 import Wav2Vec2Pretraining, Wav2Vec2TaskConfig
from earshot.models.recognizer import Recognizer, build_recognizer
from earshot.synth.language_family import (
    BASE,
    RELATED,
    TARGET,
    UNRELATED,
    LanguageFamily,
    LanguageFamilyConfig,
)
from earshot.text.latin import latin_letters
from earshot.text.spelling import spoken_letters
from earshot.text.vocabulary import Kind
from earshot.training.adaptation_material import (
    Ear,
    Languages,
    clip_languages,
    stamps_languages,
)
from earshot.training.adaptation_stages import Route, Stages
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun
from earshot.training.spoken_batches import Spoken

PAPER = Paper(
    key="ainu_adaptation",
    title="Adapting Multilingual Speech Representation Model for a New, Underresourced Language "
    "through Multilingual Fine-tuning and Continued Pretraining",
    arxiv=("2301.07295",),
    family="representation",
    year=2023,
    claims={
        "continued": "With few labels, pre-training that goes on with unlabelled audio of the "
        "language makes fewer errors than fine-tuning alone, longer fine-tuning, audio of another "
        "language, pre-training on the language alone, or none.",
        "multilingual": "Labels of another language help where it is near and labels are few, and "
        "less than unlabelled audio does.",
        "real": "The same for Belarusian, of spoken descriptions in seven languages.",
    },
)


@dataclass(frozen=True)
class ToyConfig:
    """Speech without --data: a family of made-up languages, or the set `stamps` of real speech."""

    family: LanguageFamilyConfig = field(default_factory=LanguageFamilyConfig)
    n_base: int = 250  # utterances of each of the two, about 1.1 s each
    n_target: int = 450  # 8 minutes
    n_other: int = 250
    n_test: int = 100
    stamps: tuple[str, ...] = ()  # languages of real speech instead


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: SoundEncoderConfig
    task: Wav2Vec2TaskConfig
    base_fit: FitConfig
    continued_fit: FitConfig
    fine_tune_fit: FitConfig
    n_symbols: int = 64  # four special ones, the blank among them, and all letters
    base: str = ""  # the folder of a published Wav2Vec2ForPreTraining, in the place of base_fit
    target: str = TARGET  # the language to come to
    base_languages: tuple[str, ...] = ()  # all others where empty
    routes: tuple[Route, ...] = (Route("S2", continued=TARGET),)  # the last one is kept
    minutes: tuple[float, ...] = (0.0,)  # of labels; 0: all
    alpha: float = 0.5  # of drawing languages
    continued_temperature: float = 0.5  # of the Gumbel softmax where pre-training goes on, at most
    replay: float = 0.0  # share of the base languages' audio while pre-training goes on
    frozen: float = 0.5  # share of fine-tuning in which the map to symbols alone learns
    dropout: float = 0.0  # before that map
    batch_size: int = 16  # utterances, over all processes
    transcript: str = "transcript"  # the column of what is said
    language: str = "language"  # the column of the language
    latin: bool = True  # write all languages in one Latin inventory
    kind: Kind = "characters"  # symbols of transcripts
    shortest_s: float = 0.4
    longest_s: float = 20.0
    toy: ToyConfig = field(default_factory=ToyConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        names = [route.name for route in self.routes]
        if not names or len(set(names)) != len(names):
            raise EarShotError(
                got=f"routes {', '.join(names) or 'none'}",
                expected="one at least, each of its own name",
                mend="Name them, as S0 and S2.",
            )
        if self.model.audio.wav2vec2 is None or not 0 <= self.replay < 1:
            raise EarShotError(
                got="another encoder than wav2vec 2.0"
                if self.model.audio.wav2vec2 is None
                else f"replay={self.replay:g}",
                expected="model.audio.wav2vec2, and a share of replay from 0 to below 1",
                mend="Set them accordingly.",
            )

    @classmethod
    def paper(cls) -> Config:
        """XLSR-53 (315.4 M parameters, 317.4 M with what pre-training needs), 10 hours of labels.

        Numbers that the paper does not give are those of the published configurations of wav2vec
        2.0 large: arXiv:2006.11477, appendix B.
        """
        encoder = replace(
            Wav2Vec2EncoderConfig.large(),
            layer_drop=0.1,  # in fine-tuning
            time_mask=SpanMaskConfig(0.075, 10),  # 0.75 of the positions, by spans of 10
            channel_mask=SpanMaskConfig(0.004, 64, least_spans=0),  # 0.25 of the channels
        )
        going_on = FitConfig(
            steps=100_000,  # on 234 hours
            learning_rate=1e-4,  # not in the paper; the base model had 5e-3 with larger batches
            warmup_steps=4_000,
            schedule="linear",
            betas=(0.9, 0.98),
            weight_decay=0.01,
            precision="bf16",
            checkpoint_every=1_000,
        )
        tuning = FitConfig(
            steps=20_000,
            learning_rate=1e-4,
            warmup_steps=2_000,  # a tenth
            schedule="tri_stage",
            betas=(0.9, 0.98),
            accumulate=5,
            precision="bf16",
            checkpoint_every=1_000,
        )
        return cls(
            model=SoundEncoderConfig(
                audio=AudioTower(wav2vec2=encoder), waveform=WaveformConfig(), window_s=20.0
            ),
            task=Wav2Vec2TaskConfig.large(),
            base_fit=going_on,  # where base is not set
            continued_fit=going_on,
            fine_tune_fit=tuning,
            n_symbols=40,  # letters of a Latin transliteration
            base="wav2vec2-large-xlsr-53",
            dropout=0.1,
            shortest_s=2.0,  # audio was cut to 2 to 20 s
        )

    @classmethod
    def small(cls) -> Config:
        """A quarter of a million parameters over a log-mel: made-up languages, a minute or two."""
        encoder = Wav2Vec2EncoderConfig(
            dim=96,  # (paper 1 024)
            depth=3,  # (paper 24)
            n_heads=4,
            mlp_dim=192,
            n_mels=40,  # (paper: convolutions over the waveform)
            stack=4,  # 40 ms to a position (paper 20 ms)
            pre_norm=True,
            position_kernel=8,
            position_groups=4,
            dropout=0.0,
            time_mask=SpanMaskConfig(0.1, 2, least_spans=1),  # 0.2 of the positions (paper 0.75)
            channel_mask=SpanMaskConfig(0.02, 8, least_spans=0),  # 0.16 of the channels
        )
        mel = LogMelConfig(
            sample_rate=16_000, n_fft=400, hop_length=160, n_mels=40, f_min=20.0, f_max=7_600.0,
            precision="single",
        )  # fmt: skip
        codes = GumbelQuantizerConfig(
            n_codes=40,  # (paper 320)
            n_codebooks=2,
            dim=32,
            least_temperature=0.5,
            temperature_decay=0.99,
        )
        fit = FitConfig(betas=(0.9, 0.98), checkpoint_every=500, warmup_steps=30)
        learning = replace(fit, schedule="linear", weight_decay=0.01, learning_rate=5e-3)
        return cls(
            model=SoundEncoderConfig(
                audio=AudioTower(wav2vec2=encoder), features=mel, window_s=10.0
            ),
            task=Wav2Vec2TaskConfig(
                quantizer=codes, dim=64, n_distractors=20, mask=SpanMaskConfig(0.18, 3)
            ),
            base_fit=replace(learning, steps=300),
            continued_fit=replace(learning, steps=200),
            fine_tune_fit=replace(fit, steps=200, learning_rate=3e-3, schedule="tri_stage"),
            base_languages=BASE,
            frozen=0.1,
            kind="words",  # phones
            latin=False,
        )

    @classmethod
    def small_speech(cls) -> Config:
        """The same model on real speech, letter by letter; without --data it is Belarusian."""
        small = cls.small()
        return replace(
            small,
            target="be",
            base_languages=(),
            routes=(Route("S2", continued="be"),),
            fine_tune_fit=replace(small.fine_tune_fit, steps=250),
            kind="characters",
            latin=True,
            longest_s=8.0,
            toy=replace(small.toy, stamps=("be", "ru", "bg", "es", "fr", "ro")),
        )


def build(config: Config) -> Recognizer:
    """The recogniser with random weights; it embeds as any encoder of sound does."""
    return build_recognizer(config.model, config.n_symbols, dropout=config.dropout)


def build_task(config: Config) -> Wav2Vec2Pretraining:
    """What pre-training trains, with random weights: nothing is dropped in it."""
    encoder = config.model.audio.wav2vec2
    assert encoder is not None
    return Wav2Vec2Pretraining(
        Wav2Vec2Encoder(replace(encoder, dropout=0.0, layer_drop=0.0)), config.task
    )


def run(config: Config, data: ClipSet | None, out: Path, *, resume: bool = False) -> Report:
    """Pre-train, go on, and fine-tune by each route in `out`; then measure on the target's test.

    `data` has columns of transcripts, empty where there are none, and of languages; made-up
    languages without. The folder then serves `earshot transcribe`. Figures: training/adaptation.py,
    one for each route and number of minutes.
    """
    task = None
    if config.base:
        task, heard, _ = load_pretraining(Path(config.base).expanduser())
        config = _as_published(config, heard, task.config)
    material = material_of(config, data)
    ids = [each.id for spoken in material.train.values() for each in spoken]
    this = RecipeRun(PAPER.key, config, out, ids, resume=resume)
    stages = Stages(this, material, task or build_task(config), build)
    if not config.base:
        stages.learn("base", stages.known, config.base_fit)
    stages.keep("", "base")
    for route in config.routes:
        for minutes in route.minutes or config.minutes:
            model, found = stages.tune(route, minutes)

    def measure() -> tuple[dict[str, float], list[str]]:
        return {**found, **stages.figures}, material.faults

    return this.finish(model, measure, vocabulary=stages.vocabulary.to_dict())


def _as_published(config: Config, heard: SoundEncoderConfig, task: Wav2Vec2TaskConfig) -> Config:
    """The config with the sizes of a published model; masks, drops and window are the config's."""
    own, theirs = config.model.audio.wav2vec2, heard.audio.wav2vec2
    assert own is not None
    assert theirs is not None
    encoder = replace(
        theirs,
        dropout=own.dropout,
        layer_drop=own.layer_drop,
        time_mask=own.time_mask,
        channel_mask=own.channel_mask,
    )
    model = replace(heard, audio=AudioTower(wav2vec2=encoder), window_s=config.model.window_s)
    return replace(config, model=model, task=replace(task, mask=config.task.mask))


def material_of(config: Config, data: ClipSet | None) -> Languages:
    """The clips of `data`, the real speech that the config names, or the seed's made-up family."""
    toy, bounds_s = config.toy, (config.shortest_s, config.longest_s)
    if data is not None:
        write = latin_letters if config.latin else spoken_letters
        return clip_languages(
            data, config.model, target=config.target, transcript=config.transcript,
            language=config.language, bounds_s=bounds_s, seed=config.seed,
            write=write if config.kind == "characters" else lambda text: " ".join(text.split()),
        )  # fmt: skip
    if toy.stamps:
        return stamps_languages(
            toy.stamps, config.model, target=config.target, n_test=toy.n_test,
            bounds_s=bounds_s, seed=config.seed,
        )  # fmt: skip
    family, ear = LanguageFamily(config.seed, toy.family), Ear(config.model)

    def spoken(language: str, part: str, n: int) -> list[Spoken]:
        said = family.utterances(language, part, n)
        return [ear.hear(each.clip(), each.transcript, language) for each in said]

    wanted = dict.fromkeys(BASE, toy.n_base) | {TARGET: toy.n_target}
    wanted |= {RELATED: toy.n_other, UNRELATED: toy.n_other}
    used = {*BASE, TARGET, *(name for r in config.routes for name in (r.auxiliary, r.continued))}
    train = {name: spoken(name, "train", n) for name, n in wanted.items() if name in used}
    return Languages(train, spoken(TARGET, "test", toy.n_test), TARGET)


def routes_of(language: str, near: str, far: str, wrong: str, few: float) -> tuple[Route, ...]:
    """The claim's routes; controls and labels of other languages have `few` minutes alone."""
    one = (few,)
    return (
        Route("S0"),
        Route("random", from_scratch=True, minutes=one),
        Route("S1_near", auxiliary=near, minutes=one),
        Route("S1_far", auxiliary=far, minutes=one),
        Route("wrong", continued=wrong, minutes=one),
        Route("S2", continued=language),
    )


def claim() -> Experiment:
    """One arm of all routes for made-up languages, and one for real speech where it is at hand."""
    few, controls = (1.0,), ("longer", "wrong", "alone", "random")
    family = replace(
        Config.small(),
        routes=(
            Route("longer", longer=True, minutes=few),
            Route("alone", continued=TARGET, from_scratch=True, minutes=few),
            *routes_of(TARGET, RELATED, UNRELATED, UNRELATED, 1.0),
        ),
        minutes=(1.0, 5.0, 0.0),
    )
    arms = [Arm("family", family, "made-up languages, all routes")]

    def better(claim: str, arm: str, one: str, other: str) -> Comparison:
        figures = (f"accuracy_{one}", f"accuracy_{other}")
        return Comparison(claim, figures[0], arm, arm, against_figure=figures[1])

    comparisons = [
        *(better("continued", "family", f"S2_{m}", f"S0_{m}") for m in (1, 5, 0)),
        *(better("continued", "family", "S2_1", f"{control}_1") for control in controls),
        Comparison("continued", "told_target_continued_t", "family", "family",
                   against_figure="told_target_base"),
        better("multilingual", "family", "S1_near_1", "S0_1"),
        better("multilingual", "family", "S1_near_1", "S1_far_1"),
        better("multilingual", "family", "S2_1", "S1_near_1"),
    ]  # fmt: skip
    if shared_data("stamps") is not None:
        real = replace(
            Config.small_speech(),
            base_languages=("ru", "bg", "es", "fr", "ro"),
            routes=routes_of("be", "ru", "es", "el", 5.0),
            minutes=(1.0, 5.0, 0.0),
        )
        real = replace(real, toy=replace(real.toy, stamps=(*real.toy.stamps, "el")))
        arms.append(Arm("real", real, "Belarusian, of a model of five other languages"))
        comparisons += [
            *(better("real", "real", f"S2_{m}", f"S0_{m}") for m in (1, 5, 0)),
            better("real", "real", "S2_5", "wrong_5"),
            better("real", "real", "S1_near_5", "S0_5"),
            better("real", "real", "S1_near_5", "S1_far_5"),
            better("real", "real", "S2_5", "S1_near_5"),
        ]
    return Experiment(PAPER.key, tuple(arms), tuple(comparisons), measure)


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
