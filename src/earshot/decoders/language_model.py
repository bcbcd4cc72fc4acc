"""The language model that writes: any causal model of `transformers`, or a small one from random.

A folder gives shape and weights; without one the sizes say what is built. LoRA through `peft`.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from earshot.core.errors import EarShotError
from earshot.core.files import is_file

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank updates of a frozen model's matrices. Source: arXiv:2106.09685."""

    r: int = 8
    alpha: float = 32.0  # the update is scaled by alpha / r
    dropout: float = 0.05
    targets: tuple[str, ...] = ("q_proj", "v_proj")  # names of modules; GPT-2's is c_attn

    def __post_init__(self) -> None:
        if self.r < 1 or not self.targets:
            raise EarShotError(
                got=f"LoRA of rank {self.r} on {len(self.targets)} modules",
                expected="a rank of at least 1 and a module",
                mend="Set r=8 and targets to names such as q_proj, v_proj.",
            )


@dataclass(frozen=True)
class LanguageModelConfig:
    """A causal language model: that of `folder` where set, else one of these sizes at random."""

    kind: Literal["gpt2", "llama"] = "gpt2"
    dim: int = 768
    depth: int = 12
    n_heads: int = 12
    mlp_dim: int | None = None  # 4 * dim when left out
    vocab_size: int = 50_257
    max_positions: int = 1_024  # prefix, prompt and caption together
    dropout: float = 0.1
    folder: str = ""  # of any causal language model: shape and weights
    shape: str = ""  # what a run keeps of a folder: its config.json in one line
    lora: LoraSettings | None = None

    def __post_init__(self) -> None:
        if self.dim % self.n_heads or min(self.dim, self.depth, self.n_heads) < 1:
            raise EarShotError(
                got=f"dim={self.dim}, depth={self.depth}, n_heads={self.n_heads}",
                expected="heads that share dim evenly, all at least 1",
                mend="GPT-2 base has 768, 12 and 12.",
            )

    @classmethod
    def gpt2(cls) -> LanguageModelConfig:
        """GPT-2 base: 124.4 M parameters."""
        return cls()

    @classmethod
    def llama_7b(cls) -> LanguageModelConfig:
        """LLaMA-7B, which is Vicuna-7B v1.5's shape with 4,096 positions: 6.74 B parameters."""
        return cls(
            "llama",
            dim=4_096,
            depth=32,
            n_heads=32,
            mlp_dim=11_008,
            vocab_size=32_000,
            max_positions=4_096,
            dropout=0.0,
        )


def build_language_model(config: LanguageModelConfig) -> nn.Module:
    """The model with its folder's weights, or with random ones; LoRA on top where asked for."""
    model = _load(Path(config.folder).expanduser()) if config.folder else _random(config)
    return model if config.lora is None else _with_lora(model, config.lora)


def pinned(config: LanguageModelConfig) -> LanguageModelConfig:
    """The config of a model whose weights lie elsewhere: it builds the shape without the folder."""
    if not config.folder:
        return config
    text = (Path(config.folder).expanduser() / "config.json").read_text("utf-8")
    return replace(config, folder="", shape=json.dumps(json.loads(text), sort_keys=True))


def embedding_dim(model: nn.Module) -> int:
    """How wide the vectors are that the model reads."""
    return int(model.get_input_embeddings().weight.shape[1])  # type: ignore[operator]


def _random(config: LanguageModelConfig) -> nn.Module:
    """The model of that shape with random weights."""
    from transformers import AutoConfig, AutoModelForCausalLM

    if config.shape:
        facts = json.loads(config.shape)
        return AutoModelForCausalLM.from_config(AutoConfig.for_model(**facts))
    return AutoModelForCausalLM.from_config(_sizes(config))


def _sizes(config: LanguageModelConfig) -> Any:
    """The sizes in transformers' words."""
    from transformers import GPT2Config, LlamaConfig

    if config.kind == "llama":
        return LlamaConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.dim,
            intermediate_size=config.mlp_dim or 4 * config.dim,
            num_hidden_layers=config.depth,
            num_attention_heads=config.n_heads,
            max_position_embeddings=config.max_positions,
            attention_dropout=config.dropout,
        )
    return GPT2Config(
        vocab_size=config.vocab_size,
        n_embd=config.dim,
        n_layer=config.depth,
        n_head=config.n_heads,
        n_inner=config.mlp_dim,
        n_positions=config.max_positions,
        resid_pdrop=config.dropout,
        embd_pdrop=config.dropout,
        attn_pdrop=config.dropout,
        bos_token_id=0,  # the tokenizer says what they are; these only must lie in the vocabulary
        eos_token_id=0,
    )


def _load(folder: Path) -> nn.Module:
    """The model in a folder as data: one that brings code of its own is refused."""
    from transformers import AutoModelForCausalLM

    mend = "Pass the folder that save_pretrained of a causal language model wrote."
    if not is_file(folder / "config.json"):
        raise EarShotError(
            got=f"{folder}, a language model without config.json",
            expected="a folder of a transformers causal language model",
            mend=mend,
        )
    try:
        return AutoModelForCausalLM.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, dtype="float32"
        )
    except Exception as fault:  # the library tells of damaged files with exceptions of every kind
        raise EarShotError(
            got=f"{folder}: {str(fault).partition(chr(10))[0] or fault!r}",
            expected="a whole causal language model of transformers",
            mend=mend,
        ) from fault


def _with_lora(model: nn.Module, lora: LoraSettings) -> nn.Module:
    """The model frozen, with low-rank updates that train."""
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets),
        task_type="CAUSAL_LM",
    )
    try:
        with warnings.catch_warnings():  # that GPT-2's matrices are transposed: peft sees to it
            warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False")
            return get_peft_model(model, settings)
    except ValueError as fault:
        raise EarShotError(
            got=f"LoRA on {', '.join(lora.targets)}: {str(fault).partition(chr(10))[0][:200]}",
            expected="names of linear modules of that model",
            mend="GPT-2 has c_attn, LLaMA has q_proj and v_proj.",
        ) from fault
