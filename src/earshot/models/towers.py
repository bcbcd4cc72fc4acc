"""Two-tower models by config: which encoder each tower is, and what joins them."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from torch import nn

from earshot.core.errors import EarShotError
from earshot.encoders.agnostic import (
    AgnosticEncoder,
    Trunk,
    TrunkConfig,
    WordStem,
    WordStemConfig,
)
from earshot.encoders.pretrained_text import (
    PretrainedText,
    bert_text,
    gpt2_text,
    roberta_text,
    t5_text,
)
from earshot.encoders.text_transformer import TextTransformer, TextTransformerConfig
from earshot.features import KaldiFbankConfig, LogMelConfig, WaveformConfig
from earshot.layers.projection import FineToCoarse, MlpProjection, ResidualProjection
from earshot.models.audio_tower import (
    AudioTower,
    build_audio,
    build_front_end,
    check_one,
    check_one_front_end,
    check_window,
)
from earshot.models.long_clips import LongClips
from earshot.models.public_weights import load_public_weights
from earshot.models.sound_encoder import Fill
from earshot.models.two_tower import TwoTower
from earshot.text.deferred import DeferredTokenizer
from earshot.text.tokenizer import BpeTokenizer, Tokenizer, WordTokenizer

PROJECTIONS: dict[str, tuple[Any, Any]] = {  # of the audio tower and of the text tower
    "mlp": (MlpProjection, MlpProjection),
    "residual": (ResidualProjection, ResidualProjection),
    "fine_to_coarse": (FineToCoarse, nn.Linear),
    "linear": (nn.Linear, nn.Linear),
}


@dataclass(frozen=True)
class PublishedText:
    """A text encoder of `transformers` in its published sizes, or smaller ones for tests."""

    kind: Literal["roberta", "bert", "gpt2", "t5"] = "roberta"
    tokenizer: str = "roberta-base"  # a folder, or a name on the hub; read when first needed
    vocab_size: int = 50_265
    max_tokens: int = 77  # longer texts are cut
    suffix: str = ""  # added to every text
    pad_id: int | None = None  # the tokenizer's own when left out
    dim: int = 768
    depth: int = 12
    n_heads: int = 12
    inner_dim: int | None = None  # of the feed-forward layers; 4 * dim when left out
    pad_to: int | None = None  # T5 alone: tokens to pad to, and the mean counts padding too
    reading: Literal["own", "mean", "first"] = "own"  # where its CLAP reads it; the mean of all
    # tokens; or the first one, without a pooler (roberta and bert)

    def __post_init__(self) -> None:
        if self.pad_to is not None and self.kind != "t5":
            raise EarShotError(
                got=f"pad_to={self.pad_to} for a {self.kind} text tower",
                expected="a T5, which is read as a mean over tokens",
                mend="Set model.text.published.pad_to=none.",
            )

    @classmethod
    def sentences(cls) -> PublishedText:
        """RoBERTa-base read as sentence encoders are: the mean of its tokens. arXiv:1908.10084."""
        return cls(reading="mean")

    @classmethod
    def roberta(cls) -> PublishedText:
        """RoBERTa-base as LAION-CLAP reads it: at its pooler. Source: arXiv:2211.06687, 3.1."""
        return cls()

    @classmethod
    def bert(cls) -> PublishedText:
        """BERT-base as MS-CLAP 2022 reads it: at its first token. Source: arXiv:2206.04769, 3."""
        return cls("bert", "bert-base-uncased", vocab_size=30_522, max_tokens=100)

    @classmethod
    def gpt2(cls) -> PublishedText:
        """GPT-2 as MS-CLAP 2023 reads it: at its last token. Source: arXiv:2309.05767, 2."""
        return cls("gpt2", "gpt2", vocab_size=50_257, suffix=" <|endoftext|>", pad_id=0)

    @classmethod
    def flan_t5_large(cls) -> PublishedText:
        """The encoder of Flan-T5-large as CompA reads it. Source: arXiv:2310.08753, 3.

        Differs: the mean is over real tokens; set pad_to=77 for the released code's.
        """
        return cls(
            "t5",
            "google/flan-t5-large",
            vocab_size=32_128,
            dim=1_024,
            depth=24,
            n_heads=16,
            inner_dim=2_816,
        )


@dataclass(frozen=True)
class WordText:
    """Hashed words into a small transformer of our own: nothing to fetch, nothing to ship."""

    vocab_size: int = 4_096
    max_tokens: int = 64
    transformer: TextTransformerConfig = field(default_factory=TextTransformerConfig)


def _three_layers() -> TextTransformerConfig:
    return TextTransformerConfig(dim=256, depth=3)


@dataclass(frozen=True)
class BpeText:
    """Byte-level pieces into a small transformer of our own: the text tower of earshot-small."""

    tokenizer: str = "earshot-small"  # a tokenizer.json, or the shipped model whose it is
    max_tokens: int = 64
    transformer: TextTransformerConfig = field(default_factory=_three_layers)


@dataclass(frozen=True)
class TextTower:
    """Tokenizer and text encoder: exactly one of these is set."""

    words: WordText | None = None
    bpe: BpeText | None = None
    published: PublishedText | None = None
    agnostic: WordStemConfig | None = None  # into the trunk that the audio tower shares

    def __post_init__(self) -> None:
        check_one("text tower", self)


@dataclass(frozen=True)
class TwoTowerConfig:
    """A two-tower model: front end, towers, and the space they share."""

    features: LogMelConfig | None
    audio: AudioTower
    text: TextTower
    projection: Literal["mlp", "residual", "linear", "fine_to_coarse"] = "mlp"
    text_projection: Literal["same", "none"] = "same"  # none: the text encoder's own space
    dim: int = 512  # of the shared space
    window_s: float = 10.0
    fill: Fill = "repeatpad"  # of clips shorter than the window
    long_clips: Literal["crop", "resize", "fusion"] = "crop"  # what longer ones come to
    trunk: TrunkConfig | None = None  # what agnostic towers share
    fbank: KaldiFbankConfig | None = None  # in the place of features
    waveform: WaveformConfig | None = None  # in the place of features

    def __post_init__(self) -> None:
        parts = {"a trunk": self.trunk, "an agnostic audio tower": self.audio.agnostic,
                 "an agnostic text tower": self.text.agnostic}  # fmt: skip
        there = [name for name, part in parts.items() if part is not None]
        if len(there) not in (0, len(parts)):
            raise EarShotError(
                got=f"{' and '.join(there)} alone",
                expected="all three together, or none of them",
                mend="Set model.trunk, model.audio.agnostic and model.text.agnostic, or none.",
            )
        check_one_front_end(self)
        check_window(self.window_s)


def build_two_tower(config: TwoTowerConfig) -> TwoTower:
    """The model with random weights."""
    trunk = None if config.trunk is None else Trunk(config.trunk)
    audio_encoder = build_audio(config.audio, trunk)
    tokenizer, text_encoder = build_text(config.text, trunk)
    project_audio, _ = PROJECTIONS[config.projection]
    fused = bool(getattr(audio_encoder, "fused", False))
    if fused != (config.long_clips == "fusion"):
        raise EarShotError(
            got=f"long_clips={config.long_clips!r} with {'a' if fused else 'no'} fusing encoder",
            expected="an HTSAT with a fusion where long_clips is fusion, and nowhere else",
            mend="Set model.audio.htsat.fusion=aff with model.long_clips=fusion, or neither.",
        )
    features = build_front_end(config)
    return TwoTower(
        features=features,
        audio_encoder=audio_encoder,
        audio_projection=project_audio(audio_encoder.dim, config.dim),
        tokenizer=tokenizer,
        text_encoder=text_encoder,
        text_projection=_text_projection(config, text_encoder.dim),
        sample_rate=features.config.sample_rate,
        window_s=config.window_s,
        fill=config.fill,
        long_clips=None if config.long_clips == "crop" else LongClips(config.long_clips),
    )


def _text_projection(config: TwoTowerConfig, dim: int) -> nn.Module:
    """From the text encoder's space into the shared one, which may be the same."""
    if config.text_projection == "same":
        return PROJECTIONS[config.projection][1](dim, config.dim)
    if dim != config.dim:
        raise EarShotError(
            got=f"text_projection=none from {dim} to {config.dim} dimensions",
            expected="a shared space of the text encoder's own size",
            mend=f"Set model.dim={dim}.",
        )
    return nn.Identity()


def build_text(tower: TextTower, trunk: Trunk | None = None) -> tuple[Tokenizer, Any]:
    """The tokenizer and the text encoder that are set; an agnostic one leads into `trunk`."""
    if tower.agnostic is not None:
        assert trunk is not None
        stem = WordStem(tower.agnostic, trunk.config.dim)
        words = WordTokenizer(tower.agnostic.vocab_size, tower.agnostic.max_tokens)
        return words, AgnosticEncoder(stem, trunk)
    if tower.words is not None:
        words = WordTokenizer(tower.words.vocab_size, tower.words.max_tokens)
        return words, TextTransformer(tower.words.vocab_size, tower.words.transformer)
    if tower.bpe is not None:
        pieces = BpeTokenizer.load(_tokenizer_file(tower.bpe.tokenizer), tower.bpe.max_tokens)
        return pieces, TextTransformer(pieces.vocab_size, tower.bpe.transformer)
    assert tower.published is not None
    return _published_tokenizer(tower.published), _published_text(tower.published)


def start_text_from(model: TwoTower, source: str) -> list[str]:
    """Start a published text tower from public weights: a folder or a hub name.

    Gives the parameters that the source lacks.
    """
    encoder = model.text_encoder
    if not isinstance(encoder, PretrainedText):
        raise EarShotError(
            got=f"public text weights for a {type(encoder).__name__}",
            expected="a published text tower",
            mend="Set model.text.published, or leave the weights out.",
        )
    return load_public_weights(encoder.model, source)


def _tokenizer_file(name: str) -> Path:
    """The file of that path, or the one that ships with the model of that name."""
    shipped = Path(str(resources.files("earshot"))) / "weights" / name / "tokenizer.json"
    return shipped if shipped.is_file() else Path(name)


def _published_tokenizer(text: PublishedText) -> Tokenizer:
    return DeferredTokenizer(
        text.tokenizer,
        vocab_size=text.vocab_size,
        max_tokens=text.max_tokens,
        suffix=text.suffix,
        pad_id=text.pad_id,
    )


def _published_text(text: PublishedText) -> nn.Module:
    from transformers import BertConfig, GPT2Config, RobertaConfig, T5Config

    inner_dim = text.inner_dim or 4 * text.dim
    sizes = {
        "vocab_size": text.vocab_size,
        "hidden_size": text.dim,
        "num_hidden_layers": text.depth,
        "num_attention_heads": text.n_heads,
        "intermediate_size": inner_dim,
    }
    if text.kind == "roberta":
        roberta = {"max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
        own = "pooler" if text.reading == "own" else text.reading
        return roberta_text(RobertaConfig(**sizes, **roberta), own)
    if text.kind == "bert":
        return bert_text(BertConfig(**sizes), "mean" if text.reading == "mean" else "first")
    if text.kind == "t5":
        config = T5Config(
            vocab_size=text.vocab_size,
            d_model=text.dim,
            d_kv=text.dim // text.n_heads,
            d_ff=inner_dim,
            num_layers=text.depth,
            num_heads=text.n_heads,
            feed_forward_proj="gated-gelu",
        )
        return t5_text(config, pad_to=text.pad_to)
    if text.reading != "own":
        raise EarShotError(
            got=f"reading={text.reading!r} of gpt2's tokens",
            expected="roberta or bert, whose tokens see the whole text",
            mend="Leave reading out.",
        )
    return gpt2_text(
        GPT2Config(
            vocab_size=text.vocab_size,
            n_embd=text.dim,
            n_layer=text.depth,
            n_head=text.n_heads,
            n_inner=inner_dim,
        )
    )
