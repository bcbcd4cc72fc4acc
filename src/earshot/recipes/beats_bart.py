"""Improving Audio Captioning Models with Fine-grained Audio Features, Text Embedding Supervision,
and LLM Mix-up Augmentation (arXiv:2309.17352).

    paper                              here                          differs from the paper
    BEATs, frozen             2.1      encoders/beats.py, layer 10
    downsampling, Conformer   2.1      encoders/post_encoder.py      padding is masked exactly
    BART decoder              2.1      decoders/cross_attention.py
    whole model               2.1      models/beats_bart.py
    InfoNCE, Instructor       2.2      models/caption_sentences.py,   any local sentence encoder
                                       objectives/infonce.py
    caption mix-ups           2.3      data/caption_mixups.py,       by rule unless asked
                                       text/combining.py, llm/combiner.py
    audio mixtures            2.3      audio/level_mixing.py         the level is what was drawn
    nucleus sampling          2.4      decoders/decoding.py
    hybrid reranking          2.4      decoders/reranking.py
    released weights          code     models/loading/beats_bart.py

A captioner learns on what a frozen tagger hears. The claims: each of three additions makes better
captions under the same number of updates: the head that is drawn to sentence embeddings, the mixed
clips with sentences about both, and the choice among many drawn captions by decoder and head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.paper import Paper
from earshot.core.report import Report
from earshot.data import Batch, ClipSet
from earshot.data.caption_mixups import MixupConfig, mix_clips
from earshot.data.captioned import plain_captions, shuffled_captions, train_and_test, with_captions
from earshot.decoders.cross_attention import CrossDecoderConfig
from earshot.decoders.decoding import DecodingConfig
from earshot.encoders.beats import BeatsConfig
from earshot.encoders.panns import CnnConfig
from earshot.encoders.post_encoder import PostEncoderConfig
from earshot.features import KaldiFbankConfig, LogMelConfig
from earshot.layers.spec_augment import SpecAugmentConfig
from earshot.metrics.caption_events import EventReader
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig
from earshot.models.beats_bart import BeatsBart, BeatsBartConfig
from earshot.models.caption_sentences import CaptionSentences, load_caption_sentences
from earshot.models.start import Ears
from earshot.objectives.infonce import InfoNCE
from earshot.synth.caption_scenes import CaptionScenesConfig, caption_scenes, kind_words
from earshot.text.caption_tokenizer import CaptionTokenizer, train_caption_tokenizer
from earshot.text.combining import RuleCombiner
from earshot.training.caption_decodings import decoding_figures, encoder_auc, write_all
from earshot.training.experiment import Arm, Comparison, Experiment
from earshot.training.fit import FitConfig
from earshot.training.kept_states import KeptStates, StatesBatch
from earshot.training.recipe_run import RecipeRun
from earshot.training.tag_first import teach_to_tag

PAPER = Paper(
    key="beats_bart",
    title="Improving Audio Captioning Models with Fine-grained Audio Features, Text Embedding "
    "Supervision, and LLM Mix-up Augmentation",
    arxiv=("2309.17352",),
    family="captioning",
    year=2024,
    claims={
        "sentences": "Drawn to sentence embeddings, the encoder captions better, and its head "
        "tells a clip's captions from others.",
        "mixups": "Mixed clips with sentences about both make better captions, most of all of "
        "clips with two sounds.",
        "reranking": "Among many drawn captions, decoder and head together choose no worse than "
        "either alone, and than a beam search.",
    },
)


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on beside its clips."""

    model: BeatsBartConfig
    mixup_fit: FitConfig  # the first stage: on mixed clips, or the clips themselves without any
    fit: FitConfig  # the second: on the clips
    encoder_fit: FitConfig | None = None  # before both: tags for an encoder at random
    batch_size: int = 32  # clips, over all processes
    nce_weight: float = 1.0  # w; 0 leaves the sentences out
    temperature: float = 0.5  # tau
    sentences: str = "earshot-small"  # or a run, or a folder of a sentence encoder
    sentence_prompt: str = ""  # before every caption, for encoders that follow instructions
    mixups: MixupConfig | None = field(default_factory=MixupConfig)
    label_smoothing: float = 0.1
    min_words: int = 1  # of a training caption, where its clip has longer ones
    tokenizer: str = ""  # a folder or a hub name; one is taught by the captions if empty
    keep_states: bool = True  # hear every clip once; without it anew at each visit
    beam: DecodingConfig = field(default_factory=lambda: DecodingConfig("beam"))
    nucleus: DecodingConfig = field(
        default_factory=lambda: DecodingConfig(
            "nucleus", n_samples=50, top_p=0.95, temperature=0.5, max_tokens=30, min_tokens=5,
            no_repeat_ngram=3,
        )
    )  # fmt: skip  # the released nucleus_t0.5_p95
    shuffle_captions: bool = False  # a control: each clip gets another clip's captions
    toy: CaptionScenesConfig = field(default_factory=CaptionScenesConfig)  # without --data
    n_toy: int = 750  # clips: of ten eight to learn from and two for the test
    seed: int = 0

    def __post_init__(self) -> None:
        for wrong, got, expected in (
            (self.nce_weight < 0, f"nce_weight={self.nce_weight:g}", "0 or more"),
            (not self.temperature > 0, f"temperature={self.temperature:g}", "above 0"),
            (self.keep_states and self.model.spec_augment is not None,
             "spec_augment with keep_states=true", "keep_states=false: each visit is masked anew"),
            (self.n_toy < 10, f"n_toy={self.n_toy}", "at least 10 clips"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")

    @classmethod
    def paper(cls) -> Config:
        """126.6 M parameters that train, over BEATs' 90.3 M; wants --audio-model and a tokenizer.

        The paper says about 126 M; with the layer of its Conformer that is never used, 4.7 M.
        """
        fit = FitConfig(
            steps=30_000,  # 100 epochs of 19 195 captions (config)
            learning_rate=2e-5,  # config
            warmup_steps=1_000,  # config
            weight_decay=1e-3,  # config
            accumulate=2,  # config
            checkpoint_every=1_000,
        )
        return cls(
            model=BeatsBartConfig(
                encoder=SoundEncoderConfig(
                    audio=AudioTower(beats=BeatsConfig()),
                    fbank=KaldiFbankConfig.beats(),
                    window_s=30.0,
                ),
                layer=10,  # config: encoder_repr_layer_idx
                patches=True,
                spec_augment=SpecAugmentConfig(  # config; time masks up to 12 % of 30 s
                    time_width=361, n_time=5, mel_width=65, n_mel=2, fill="zero"
                ),
            ),
            mixup_fit=fit,
            fit=fit,
            batch_size=32,  # config
            sentence_prompt="Represent the audio caption: ",
            mixups=MixupConfig(n_pairs=10_000, n_each=5),  # 2.3: about 50 k sentences
            min_words=6,  # config: min_caption_len
            tokenizer="facebook/bart-base",
            keep_states=False,
            beam=DecodingConfig("beam", n_beams=4, max_tokens=100, min_tokens=5),
        )

    @classmethod
    def small(cls) -> Config:
        """A tagger of 0.05 M parameters under a captioner of 0.6 M: a minute on one core."""
        cnn = CnnConfig(
            n_mels=32,  # (paper 128)
            channels=(8, 24, 48, 96),
            n_pools=2,  # a position every 160 ms, as BEATs' moments
            convs_per_block=1,
            dim=96,  # (paper 768)
            n_classes=0,
            block_dropout=0.0,
            dropout=0.1,
            silence_db=-100.0,
        )
        features = LogMelConfig(
            sample_rate=16_000, n_fft=1_024, hop_length=640, n_mels=32, f_max=8_000.0,
            precision="single",
        )  # fmt: skip  # 25 frames a second (paper 100)
        fit = FitConfig(
            steps=180, learning_rate=2e-3, warmup_steps=20, weight_decay=1e-3, clip_norm=1.0
        )
        return cls(
            model=BeatsBartConfig(
                encoder=SoundEncoderConfig(
                    audio=AudioTower(cnn=cnn), features=features, window_s=4.0
                ),
                post=PostEncoderConfig(
                    dim=96, depth=1, n_heads=4, mlp_dim=192, depthwise_kernel=15
                ),  # (paper 768, 2 layers)
                head_dim=256,  # (paper 3 072)
                sentence_dim=256,  # of earshot-small (paper 768, Instructor-xl)
                decoder=CrossDecoderConfig(
                    vocab_size=500,  # (paper 50 265)
                    dim=96,  # (paper 768)
                    depth=2,  # (paper 6)
                    n_heads=4,  # (paper 16)
                    mlp_dim=192,  # (paper 3 072)
                    most_tokens=48,
                    most_positions=64,
                ),
            ),
            encoder_fit=FitConfig(steps=100, learning_rate=3e-3, warmup_steps=20),
            mixup_fit=fit,
            fit=fit,
            beam=DecodingConfig("beam", n_beams=4, max_tokens=30),
            nucleus=DecodingConfig(
                "nucleus", n_samples=20, top_p=0.95, temperature=0.5, max_tokens=30,
                no_repeat_ngram=3,
            ),
        )  # fmt: skip


def build(config: Config) -> BeatsBart:
    """The captioner with random weights, without a tokenizer."""
    return BeatsBart(config.model)


def run(
    config: Config,
    data: ClipSet | None,
    out: Path,
    *,
    resume: bool = False,
    ears: Ears | None = None,
) -> Report:
    """Train on `data` (procedural scenes when None) in `out`, then caption the test split.

    The frozen encoder is that of `ears`; without it one is taught to tag the clips first. The
    folder then serves `earshot caption`. Figures: training/caption_decodings.py.
    """
    if ears is not None:
        config = replace(config, model=replace(config.model, encoder=heard_with(ears, config)))
    train, test = split_clips(data, config)
    ids, name = [clip.id for clip in train], None if ears is None else ears.name
    this = RecipeRun(PAPER.key, config, out, ids, resume=resume, started_from=name)
    model = build(config)
    if ears is not None:
        model.encoder.load_state_dict(ears.model.state_dict())
    else:
        teach_to_tag(model.encoder, train, config.encoder_fit, this, config.batch_size)
    mixed = ClipSet([])
    if config.mixups is not None:
        made = mix_clips(
            train,
            RuleCombiner(seed=config.seed),
            config.mixups,
            sample_rate=model.sample_rate,
            seed=config.seed,
        )
        mixed = plain_captions(made)
    captions = sorted({caption for clip in [*train, *mixed] for caption in clip.captions})
    model.decoder.tokenizer = tokenizer_of(config, captions)
    model.sentences = sentences_of(config)
    model.sentences.embed(captions)
    loss_of = loss_with(config, model, model.sentences)
    for name, clips, settings in (
        ("mixups", mixed or train, config.mixup_fit),
        ("captions", train, config.fit),
    ):
        this.fit(model, loss_of, batches_of(config, model, clips, this), settings, stage=name)

    def measure() -> tuple[dict[str, float], list[str]]:
        model.eval()
        heard = keep(model, test)
        written = write_all(model, heard, config.beam, config.nucleus)
        assert model.sentences is not None
        reader = EventReader(kind_words()) if data is None else None
        figures = decoding_figures(written, model.sentences, reader)
        return {**figures, "encoder_auc": encoder_auc(written, model.sentences)}, heard.faults

    model.save_beside(out)
    return this.finish(model, measure)


def heard_with(ears: Ears, config: Config) -> SoundEncoderConfig:
    """The encoder of `ears`, with the config's window where that is longer and it takes any."""
    longest = max(ears.config.window_s, config.model.encoder.window_s)
    return replace(ears.config, window_s=longest) if ears.config.fill == "none" else ears.config


def split_clips(data: ClipSet | None, config: Config) -> tuple[ClipSet, ClipSet]:
    """Clips to learn from and for the test, their captions in plain form."""
    if data is None:
        scenes = caption_scenes(config.n_toy, config.seed, config.toy)
        train, test = scenes.split("train"), scenes.select(lambda clip: clip.split != "train")
    else:
        train, test = train_and_test(data, config.seed)
    train = with_captions(train, config.seed)
    if config.shuffle_captions:
        train = shuffled_captions(train, config.seed)
    test = with_captions(test, config.seed)
    return plain_captions(train, config.min_words), plain_captions(test)


def tokenizer_of(config: Config, captions: list[str]) -> CaptionTokenizer:
    """The config's tokenizer, else one taught by the captions."""
    if not config.tokenizer:
        return train_caption_tokenizer(captions, config.model.decoder.vocab_size)
    tokenizer = CaptionTokenizer.load(config.tokenizer)
    if tokenizer.vocab_size > config.model.decoder.vocab_size:
        raise EarShotError(
            got=f"{config.tokenizer} with {tokenizer.vocab_size} ids",
            expected=f"at most model.decoder.vocab_size={config.model.decoder.vocab_size}",
            mend="Set model.decoder.vocab_size to its size.",
        )
    return tokenizer


def sentences_of(config: Config) -> CaptionSentences:
    """The encoder of captions that the head is drawn to; refused where its width is another."""
    sentences = load_caption_sentences(config.sentences, config.sentence_prompt)
    if sentences.dim != config.model.sentence_dim:
        raise EarShotError(
            got=f"{config.sentences} of {sentences.dim} dimensions",
            expected=f"model.sentence_dim={config.model.sentence_dim}",
            mend=f"Set model.sentence_dim={sentences.dim}.",
        )
    return sentences


def keep(model: BeatsBart, clips: ClipSet) -> KeptStates:
    """Every clip as the frozen encoder hears it."""
    return KeptStates(
        clips,
        model.encoder_states,
        sample_rate=model.sample_rate,
        max_s=model.window_s,
        device=next(model.parameters()).device,
    )


def batches_of(
    config: Config, model: BeatsBart, clips: ClipSet, this: RecipeRun
) -> Callable[[int], Iterator[Any]]:
    """Batches of what the encoder says of the clips, or of the clips."""
    if config.keep_states:
        kept = keep(model.eval(), clips)
        return kept.batches(config.batch_size, config.seed, rank=this.rank, world=this.world)
    loader = this.loader(
        clips, batch_size=config.batch_size, sample_rate=model.sample_rate, max_s=model.window_s
    )
    return loader.batches


def loss_with(
    config: Config, model: BeatsBart, sentences: CaptionSentences
) -> Callable[[Batch | StatesBatch], dict[str, Tensor]]:
    """L_cap + w * L_nce of a batch."""
    infonce, scale = InfoNCE(), torch.tensor(1.0 / config.temperature)

    def loss_of(batch: Batch | StatesBatch) -> dict[str, Tensor]:
        if isinstance(batch, StatesBatch):
            states, n_positions = batch.states, batch.n_positions
        else:
            states, n_positions = model.encoder_states(batch.waveform, batch.n_samples)
        memory, n_fewer = model.hear(states, n_positions)
        loss = model.decoder.loss(
            memory, n_fewer, batch.captions, label_smoothing=config.label_smoothing
        )
        if not config.nce_weight:
            return {"loss": loss}
        text = sentences.embed(batch.captions).to(memory.device)  # [batch, sentence_dim]
        nce = infonce(model.sentence(memory, n_fewer), text, scale.to(memory.device))
        return {"loss": loss + config.nce_weight * nce, "caption": loss, "nce": nce}

    return loss_of


def claim() -> Experiment:
    """With and without each addition, and a control: sounds with other sounds' captions."""
    both = Config.small()
    nce, mixup = replace(both, mixups=None), replace(both, nce_weight=0.0)
    arms = (
        Arm("base", replace(nce, nce_weight=0.0), "captions alone"),
        Arm("nce", nce, "captions and sentence embeddings"),
        Arm("mixup", mixup, "captions after mixed clips"),
        Arm("both", both, "sentence embeddings, after mixed clips: the paper's"),
        Arm("shuffled", replace(both, shuffle_captions=True), "control: another clip's captions"),
    )
    f1, two = "hybrid_event_f1", "beam_two_event_f1"
    comparisons = [
        Comparison("sentences", "encoder_auc", "nce", "base"),
        Comparison("sentences", "encoder_auc", "both", "shuffled"),
        Comparison("sentences", "beam_event_f1", "nce", "base"),
        Comparison("sentences", "beam_cider_d", "nce", "base"),
        Comparison("mixups", two, "mixup", "base"),
        Comparison("mixups", "beam_cider_d", "mixup", "base"),
        Comparison("mixups", two, "both", "nce"),
        Comparison("reranking", f1, "both", "both", "not below", "decoder_event_f1"),
        Comparison("reranking", f1, "both", "both", "not below", "encoder_event_f1"),
        Comparison("reranking", f1, "both", "both", against_figure="beam_event_f1"),
        Comparison("reranking", f1, "both", "base", against_figure="beam_event_f1"),
        Comparison("reranking", f1, "both", "shuffled"),
    ]
    return Experiment(PAPER.key, arms, tuple(comparisons), measure)


def measure(config: Config, out: Path) -> Mapping[str, float]:
    """One arm of the claim, going on where it was."""
    return run(config, None, out, resume=True).values
