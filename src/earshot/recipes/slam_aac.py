"""SLAM-AAC: Enhancing Audio Captioning with Paraphrasing Augmentation and CLAP-Refine through
LLMs (arXiv:2410.09503).

    paper                                here                            differs from the paper
    EAT, frozen                  2.1     encoders/eat.py
    EAT's own pre-training               models/pretraining/ufo.py       arXiv:2401.03497
    projector                    2.1     layers/joined_tokens.py
    Vicuna under LoRA            2.1     decoders/language_model.py      any causal model
    whole model                  2.1     models/slam_captioner.py        padding on the left
    paraphrasing                 2.2     text/paraphrasing.py,           by rule; earshot rewrite
                                         llm/rewriter.py                 asks a model
    CLAP-Refine                  2.3     decoders/reranking.py,
                                         training/caption_choices.py
    released EAT files           code    models/loading/eat.py

A frozen encoder's tokens, joined by fives and projected, stand before a language model's prompt.
The claims: of captions from beam searches of several widths, the one that a CLAP finds closest to
the sound is better than that of one width; paraphrases help where clips are few; low-rank updates
of the writer help beyond the projector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.core.seed import seed_all
from earshot.data import Batch, ClipSet
from earshot.data.captioned import plain_captions, shuffled_captions, train_and_test, with_captions
from earshot.data.rewritten import stored_rewrites
from earshot.decoders.language_model import LanguageModelConfig, LoraSettings, pinned
from earshot.encoders.eat import EatConfig
from earshot.features import KaldiFbankConfig
from earshot.layers.post_norm_transformer import PostNormConfig
from earshot.layers.spec_augment import SpecAugmentConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig
from earshot.models.caption_judge import CaptionJudge, load_judge
from earshot.models.loading.eat import eat_fbank
from earshot.models.slam_captioner import SlamCaptioner, SlamConfig
from earshot.models.start import Ears
from earshot.text.caption_tokenizer import CaptionTokenizer
from earshot.text.paraphrasing import RuleParaphraser
from earshot.training.caption_choices import (
    PLAIN_WIDTH,
    WIDTHS,
    Judged,
    choice_figures,
    write_by_widths,
)
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.kept_states import KeptStates, StatesBatch
from earshot.training.recipe_run import RecipeRun
from earshot.training.scene_captioning import (
    PROMPT,
    SceneStartConfig,
    scene_ears,
    scene_judge,
    scene_parts,
    scene_reader,
    scene_writer,
)
from earshot.training.trained_parts import TrainedParts

PAPER = Paper(
    key="slam_aac",
    title="SLAM-AAC: Enhancing Audio Captioning with Paraphrasing Augmentation and CLAP-Refine "
    "through LLMs",
    arxiv=("2410.09503",),
    family="captioning",
    year=2025,
    claims={
        "refine": "Of captions from searches of several widths, the one that a CLAP finds closest "
        "to the sound is better than that of the usual width, and no better than the best.",
        "paraphrases": "Paraphrases of the only caption of a few clips make better captions, of "
        "more different words.",
        "lora": "Low-rank updates of the writer make better captions than the projector alone.",
    },
)


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips and its encoder."""

    model: SlamConfig
    fit: FitConfig
    batch_size: int = 32  # clips, over all processes
    tokenizer: str = ""  # a folder; the writer's own if empty
    judge: str = "earshot-small"  # of --data: a CLAP, or a run of one; none if empty
    paraphrases: int = 0  # by rule, of each caption, learnt as well
    keep_states: bool = True  # hear every clip once; without it anew at each visit
    plain: bool = True  # captions in lower case, without punctuation
    widths: tuple[int, ...] = WIDTHS
    max_tokens: int = 40  # of what is written
    shuffle_captions: bool = False  # a control: each clip gets another clip's captions
    n_clips: int = 0  # that are learnt from; 0: all
    n_captions: int = 0  # of each clip that are learnt from; 0: all
    toy: SceneStartConfig = field(default_factory=SceneStartConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        for wrong, got, expected in (
            (self.keep_states and self.model.spec_augment is not None,
             "spec_augment with keep_states=true", "keep_states=false: each visit is masked anew"),
            (not self.widths or min(self.widths) < 1, f"widths={self.widths}",
             "one width or more, of at least 1"),
            (min(self.paraphrases, self.n_clips, self.n_captions) < 0,
             f"paraphrases={self.paraphrases}, n_clips={self.n_clips}, "
             f"n_captions={self.n_captions}", "0 or more"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")

    @classmethod
    def paper(cls) -> Config:
        """20.5 M parameters train behind EAT-base and in Vicuna-7B; wants both.

        Pass --audio-model EAT-base_epoch30_finetune_AS2M.pt and --set model.writer.folder=FOLDER.
        """
        writer = LanguageModelConfig.llama_7b()
        return cls(
            model=SlamConfig(
                encoder=SoundEncoderConfig(
                    audio=AudioTower(eat=EatConfig.base()), fbank=eat_fbank(), window_s=10.24
                ),
                writer=replace(writer, lora=LoraSettings()),  # r 8, alpha 32, q_proj and v_proj
                spec_augment=SpecAugmentConfig(  # code: 2 masks up to 64 frames, 2 up to 8 bands
                    time_width=65, n_time=2, mel_width=9, n_mel=2
                ),
            ),
            fit=FitConfig(
                steps=100_000,  # 3.2
                learning_rate=1e-4,  # 3.2; 8e-6 to fine-tune
                warmup_steps=1_000,  # 3.2
                precision="bf16",  # (paper fp16)
                checkpoint_every=5_000,
                seed=666,  # code
            ),
            batch_size=16,  # 3.2; 4 to fine-tune
            keep_states=False,
            plain=False,
            max_tokens=200,  # code
        )

    @classmethod
    def small(cls) -> Config:
        """An encoder of 0.7 M parameters and a writer of 0.5 M: a minute and a half on one core."""
        fbank = KaldiFbankConfig(
            n_mels=64,  # (paper 128)
            window="hanning",
            hop_length=320,  # (paper 160)
            mean=-6.5,  # of the toy's clips
            std=1.3,  # a fourth of theirs: patches then weigh as much as their places
            precision="single",
        )
        eat = EatConfig(
            n_mels=64,
            most_times=13,  # (paper 768)
            n_frames=208,  # 4 s (paper 10.24 s)
            fill=6.5 / 2.6,
            pooling="mean",
            transformer=PostNormConfig(dim=128, depth=4, n_heads=4, mlp_dim=256),  # (768, 12)
        )
        return cls(
            model=SlamConfig(
                encoder=SoundEncoderConfig(audio=AudioTower(eat=eat), fbank=fbank, window_s=4.0),
                hidden=256,  # (paper 2 048)
                writer=LanguageModelConfig(
                    dim=128,  # (paper 4 096)
                    depth=2,  # (paper 32)
                    n_heads=4,
                    vocab_size=600,  # (paper 32 000)
                    max_positions=160,
                    dropout=0.0,
                    lora=LoraSettings(r=4, alpha=16.0, dropout=0.0, targets=("c_attn",)),
                ),
                prompt=PROMPT,
                most_tokens=48,
            ),
            fit=FitConfig(
                steps=250, learning_rate=3e-3, warmup_steps=25, clip_norm=1.0, checkpoint_every=250
            ),  # (100 000, 1e-4)
        )


def build(config: Config) -> SlamCaptioner:
    """The captioner with random weights, without a tokenizer."""
    return SlamCaptioner(config.model)


def run(
    config: Config,
    data: ClipSet | None,
    out: Path,
    *,
    resume: bool = False,
    ears: Ears | None = None,
    judge: CaptionJudge | None = None,
) -> Report:
    """Train projector and LoRA on `data` in `out`, then caption the test split in several ways.

    The frozen encoder is that of `ears`, the writer that of `config.model.writer.folder`, and
    `judge` refines: that of the config if left out. Without `data` scenes are learnt from, and what
    is not handed in is taught first. The folder then serves `earshot caption`. Figures:
    training/caption_choices.py.
    """
    folder = config.model.writer.folder
    if data is not None and (ears is None or not folder):
        raise EarShotError(
            got=f"no {'encoder' if ears is None else 'writer'}",
            expected="one that was trained",
            mend="Pass --audio-model, such as an EAT file, and --set model.writer.folder=FOLDER.",
        )
    train, test = split_clips(config, data)
    name = None if ears is None else ears.name
    ids = [clip.id for clip in train]
    this = RecipeRun(PAPER.key, config, out, ids, resume=resume, started_from=name)
    if data is None:
        ears, folder, judge = scene_start(config, out, ears, judge)
    elif judge is None and config.judge:
        judge = load_judge(config.judge)
    assert ears is not None
    shape = replace(
        config.model,
        encoder=ears.config,
        writer=replace(config.model.writer, folder=folder),
    )
    seed_all(config.seed)
    model = SlamCaptioner(shape)
    model.encoder.load_state_dict(ears.model.state_dict())
    model.decoder.tokenizer = CaptionTokenizer.load(config.tokenizer or folder)
    model.clap = judge

    def loss_of(batch: Batch | StatesBatch) -> Tensor:
        if isinstance(batch, StatesBatch):
            return model.loss(batch.states, batch.n_positions, batch.captions)
        states = model.encoder_states(batch.waveform, batch.n_samples)
        return model.loss(*states, batch.captions)

    this.fit(TrainedParts(model), loss_of, batches_of(config, model, train, this), config.fit)

    def measured() -> tuple[dict[str, float], list[str]]:
        model.eval().save_beside(out)
        heard = keep(model, test)
        written = write_by_widths(model, heard, config.widths, max_tokens=config.max_tokens)
        reader = scene_reader() if data is None else None
        judged = None if judge is None else Judged.of(judge, heard.clips)
        return choice_figures(written, judged, reader), heard.faults

    kept = replace(shape, writer=pinned(shape.writer))
    this.saved_as = (PAPER.key, replace(config, model=kept, tokenizer=""))
    return this.finish(model, measured)


def scene_start(
    config: Config, out: Path, ears: Ears | None = None, judge: CaptionJudge | None = None
) -> tuple[Ears, str, CaptionJudge]:
    """Encoder, folder of the writer and judge for scenes: those handed in, else taught in `out`."""
    toy, seed, model = config.toy, config.seed, config.model
    ears = ears or scene_ears(toy, model.encoder, seed, out / "ears")
    folder = model.writer.folder or str(
        scene_writer(toy, model.writer, seed, out / "text", model.most_tokens)
    )
    return ears, folder, judge or scene_judge(toy, seed, out / "clap")


def split_clips(config: Config, data: ClipSet | None) -> tuple[ClipSet, ClipSet]:
    """Clips to learn from, with paraphrases where asked for, and for the test."""
    if data is None:
        train, _, test = scene_parts(config.toy, config.seed)
    else:
        train, test = train_and_test(data, config.seed)
    train, test = with_captions(train, config.seed), with_captions(test, config.seed)
    if config.n_clips:
        train = ClipSet(train[: config.n_clips], name=train.name, labels=train.labels)
    if config.shuffle_captions:
        train = shuffled_captions(train, config.seed)
    train = told_again(train, config)
    return (plain_captions(train), plain_captions(test)) if config.plain else (train, test)


def told_again(clips: ClipSet, config: Config) -> ClipSet:
    """The clips with the captions that are learnt: some of their own, and paraphrases of these.

    Rewrites that a manifest has (`earshot rewrite --how paraphrase`) are learnt as they are.
    """
    stored, rule = stored_rewrites(clips), RuleParaphraser(seed=config.seed)
    told = []
    for clip in clips:
        own = clip.captions[: config.n_captions or None]
        more = [text for each in own for text in stored.get(each, ())]
        if config.paraphrases:
            more += [text for each in own for text in rule.rewrite(each, config.paraphrases)]
        told.append(replace(clip, captions=tuple(dict.fromkeys((*own, *more)))))
    return ClipSet(told, name=clips.name, labels=clips.labels)


def keep(model: SlamCaptioner, clips: ClipSet) -> KeptStates:
    """Every clip as the frozen encoder hears it."""
    return KeptStates(
        clips,
        model.eval().encoder_states,
        sample_rate=model.sample_rate,
        max_s=model.window_s,
        device=next(model.parameters()).device,
    )


def batches_of(
    config: Config, model: SlamCaptioner, clips: ClipSet, this: RecipeRun
) -> Callable[[int], Iterator[Any]]:
    """Batches of what the encoder says of the clips, or of the clips."""
    if config.keep_states:
        kept = keep(model, clips)
        return kept.batches(config.batch_size, config.seed, rank=this.rank, world=this.world)
    loader = this.loader(
        clips, batch_size=config.batch_size, sample_rate=model.sample_rate, max_s=model.window_s
    )
    return loader.batches


def settings(config: Config) -> dict[str, Config]:
    """What is compared, behind one encoder, one writer and one judge."""
    frozen = replace(config.model, writer=replace(config.model.writer, lora=None))
    plain = replace(config, widths=(PLAIN_WIDTH,))  # one search, nothing to choose from
    few = replace(plain, n_clips=200, n_captions=1)
    return {
        "lora": config,
        "projector": replace(plain, model=frozen),
        "shuffled": replace(plain, shuffle_captions=True),
        "few": few,
        "few_more": replace(few, paraphrases=4),
    }


def claim() -> Experiment:
    """Ways to choose, and settings, on scenes."""
    arms = (Arm("scenes", Config.small(), "procedural scenes of one or two sounds"),)

    def held(claim: str, figure: str, against: str) -> Comparison:
        return Comparison(claim, figure, "scenes", "scenes", against_figure=against)

    refine, plain = "lora_refine", "lora_beam"
    return Experiment(PAPER.key, arms, (
        held("refine", f"{refine}_event_f1", f"{plain}_event_f1"),
        held("refine", f"{refine}_cider_d", f"{plain}_cider_d"),
        held("refine", f"{refine}_event_f1", "lora_sure_event_f1"),
        held("refine", "lora_oracle_event_f1", f"{refine}_event_f1"),
        held("paraphrases", "few_more_beam_cider_d", "few_beam_cider_d"),
        held("paraphrases", "few_more_beam_event_f1", "few_beam_event_f1"),
        held("paraphrases", "few_more_beam_vocabulary", "few_beam_vocabulary"),
        held("lora", "lora_beam_cider_d", "projector_beam_cider_d"),
        held("lora", "lora_beam_event_f1", "projector_beam_event_f1"),
        held("lora", "lora_beam_event_f1", "shuffled_beam_event_f1"),
    ), measure)  # fmt: skip


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim: every setting behind one encoder, going on where it was."""
    ears, folder, judge = scene_start(config, out)
    figures: dict[str, float] = {}
    for name, changed in settings(config).items():
        writer = replace(changed.model.writer, folder=folder)
        changed = replace(changed, model=replace(changed.model, writer=writer))
        values = run(changed, None, out / name, resume=True, ears=ears, judge=judge).values
        figures |= {f"{name}_{figure}": value for figure, value in values.items()}
    return figures
