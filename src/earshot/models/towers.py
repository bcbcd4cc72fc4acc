"""Two-tower models by config: which encoder each tower is, and what joins them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from earshot.core.errors import EarShotError
from earshot.encoders.earshot_cnn import EarshotCnn, EarshotCnnConfig
from earshot.encoders.htsat import Htsat, HtsatConfig
from earshot.encoders.panns import CnnConfig, PannsCnn
from earshot.encoders.pretrained_text import (
    PretrainedText,
    bert_text,
    gpt2_text,
    roberta_text,
    t5_text,
)
from earshot.encoders.strip_transformer import StripTransformer, StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformer, TextTransformerConfig
from earshot.features import LogMel, LogMelConfig
from earshot.layers.projection import MlpProjection, ResidualProjection
from earshot.models.long_clips import LongClips
from earshot.models.public_weights import load_public_weights
from earshot.models.two_tower import Fill, TwoTower
from earshot.text.deferred import DeferredTokenizer
from earshot.text.tokenizer import BpeTokenizer, Tokenizer, WordTokenizer

LONGEST_WINDOW_S = 600.0


@dataclass(frozen=True)
class AudioTower:
    """The audio encoder: exactly one of these is set."""

    htsat: HtsatConfig | None = None
    cnn: CnnConfig | None = None
    strips: StripTransformerConfig | None = None
    earshot: EarshotCnnConfig | None = None

    def __post_init__(self) -> None:
        check_one("audio tower", self)


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

    def __post_init__(self) -> None:
        if self.pad_to is not None and self.kind != "t5":
            raise EarShotError(
                got=f"pad_to={self.pad_to} for a {self.kind} text tower",
                expected="a T5, which is read as a mean over tokens",
                mend="Set model.text.published.pad_to=none.",
            )

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

    def __post_init__(self) -> None:
        check_one("text tower", self)


@dataclass(frozen=True)
class TwoTowerConfig:
    """A two-tower model: front end, towers, and the space they share."""

    features: LogMelConfig
    audio: AudioTower
    text: TextTower
    projection: Literal["mlp", "residual"] = "mlp"  # LAION's or Microsoft's
    dim: int = 512  # of the shared space
    window_s: float = 10.0
    fill: Fill = "repeatpad"  # of clips shorter than the window
    long_clips: Literal["crop", "resize", "fusion"] = "crop"  # what longer ones come to

    def __post_init__(self) -> None:
        if not 0 < self.window_s <= LONGEST_WINDOW_S:
            raise EarShotError(
                got=f"window_s={self.window_s:g}",
                expected=f"above 0 and at most {LONGEST_WINDOW_S:g}",
                mend="Longer sounds are read in several windows.",
            )


def check_one(what: str, choice: Any) -> None:
    """Refuse a choice of parts unless exactly one is set."""
    names = [part.name for part in dataclasses.fields(choice)]
    chosen = [name for name in names if getattr(choice, name) is not None]
    if len(chosen) != 1:
        raise EarShotError(
            got=f"{' and '.join(chosen) or 'nothing'} as the {what}",
            expected=f"one of {', '.join(names)}",
            mend="Set the others to none, such as --set model.audio.htsat=none.",
        )


def build_two_tower(config: TwoTowerConfig) -> TwoTower:
    """The model with random weights."""
    audio_encoder = build_audio(config.audio)
    tokenizer, text_encoder = build_text(config.text)
    project = MlpProjection if config.projection == "mlp" else ResidualProjection
    fused = bool(getattr(audio_encoder, "fused", False))
    if fused != (config.long_clips == "fusion"):
        raise EarShotError(
            got=f"long_clips={config.long_clips!r} with {'a' if fused else 'no'} fusing encoder",
            expected="an HTSAT with a fusion where long_clips is fusion, and nowhere else",
            mend="Set model.audio.htsat.fusion=aff with model.long_clips=fusion, or neither.",
        )
    with torch.device("cpu"):  # tables, not weights: they have values on the meta device too
        features = LogMel(config.features)
    return TwoTower(
        features=features,
        audio_encoder=audio_encoder,
        audio_projection=project(audio_encoder.dim, config.dim),
        tokenizer=tokenizer,
        text_encoder=text_encoder,
        text_projection=project(text_encoder.dim, config.dim),
        sample_rate=config.features.sample_rate,
        window_s=config.window_s,
        fill=config.fill,
        long_clips=None if config.long_clips == "crop" else LongClips(config.long_clips),
    )


def build_audio(tower: AudioTower) -> Any:
    """The audio encoder that is set."""
    if tower.htsat is not None:
        return Htsat(tower.htsat)
    if tower.cnn is not None:
        return PannsCnn(tower.cnn)
    if tower.strips is not None:
        return StripTransformer(tower.strips)
    assert tower.earshot is not None
    return EarshotCnn(tower.earshot)


def build_text(tower: TextTower) -> tuple[Tokenizer, Any]:
    """The tokenizer and the text encoder that are set."""
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
        return roberta_text(RobertaConfig(**sizes, **roberta))
    if text.kind == "bert":
        return bert_text(BertConfig(**sizes))
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
    return gpt2_text(
        GPT2Config(
            vocab_size=text.vocab_size,
            n_embd=text.dim,
            n_layer=text.depth,
            n_head=text.n_heads,
            n_inner=inner_dim,
        )
    )
