"""What SLAM-AAC's training saved, projector and LoRA, between an EAT and a language model.

Source: github.com/X-LANCE/SLAM-LLM, examples/slam_aac (arXiv:2410.09503).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.decoders.language_model import LanguageModelConfig, LoraSettings
from earshot.models.loading.weights import read_torch, tensors_of
from earshot.models.slam_captioner import PROMPT, SlamCaptioner, SlamConfig
from earshot.models.start import Ears
from earshot.text.caption_tokenizer import CaptionTokenizer

PROJECTOR, WRITER = "encoder_projector.", "llm."
_LORA = re.compile(r"\.(\w+)\.lora_A\.")


def is_slam_aac(state: Mapping[str, Tensor]) -> bool:
    """Whether these are the keys of SLAM-AAC's trained parts."""
    return f"{PROJECTOR}linear1.weight" in state and f"{PROJECTOR}linear2.weight" in state


def load_slam_aac(
    path: Path,
    ears: Ears,
    writer: str | Path,
    *,
    prompt: str = PROMPT,
    alpha: float = 32.0,
) -> SlamCaptioner:
    """The captioner of a checkpoint that holds what was trained, `encoder_projector.*` and LoRA.

    `ears` is the encoder that it was trained behind (`find_ears` reads an EAT file), `writer` the
    folder of its language model with the tokenizer. Sizes, rank and matrices are read off the
    weights; `alpha` of LoRA they do not tell. Raises EarShotError for other keys and widths.
    """
    state = tensors_of(read_torch(path), path)
    if not is_slam_aac(state):
        raise EarShotError(
            got=f"{path} with keys such as {', '.join(sorted(state)[:3])}",
            expected="encoder_projector.linear1.* and linear2.*, and llm.*.lora_A.* where LoRA is",
            mend="Pass the model.pt that SLAM-AAC's training saved.",
        )
    hidden, wide = state[f"{PROJECTOR}linear1.weight"].shape
    dim = ears.model.audio_encoder.dim
    if wide % dim:
        raise EarShotError(
            got=f"{path}, which joins tokens to {wide} numbers, behind an encoder of {dim}",
            expected="a whole number of tokens",
            mend="Pass the encoder that it was trained with: EAT-base has 768.",
        )
    captioner = SlamCaptioner(
        SlamConfig(
            encoder=ears.config,
            n_joined=wide // dim,
            hidden=hidden,
            writer=LanguageModelConfig(folder=str(writer), lora=_lora(state, alpha)),
            prompt=prompt,
        )
    )
    captioner.encoder.load_state_dict(ears.model.state_dict())
    captioner.decoder.tokenizer = CaptionTokenizer.load(writer)
    _place(captioner, state, path)
    return captioner.eval()


def _lora(state: Mapping[str, Tensor], alpha: float) -> LoraSettings | None:
    """Rank and matrices, as the names and shapes tell them; None where there is no LoRA."""
    found = {name: match[1] for name in state if (match := _LORA.search(name))}
    if not found:
        return None
    rank = len(state[next(iter(found))])
    return LoraSettings(r=rank, alpha=alpha, targets=tuple(sorted(set(found.values()))))


def _place(captioner: SlamCaptioner, state: Mapping[str, Tensor], path: Path) -> None:
    """Put every tensor into its parameter; all that is trained must be there, and nothing else."""
    named = {
        name.replace(WRITER, "decoder.language_model.", 1) if name.startswith(WRITER) else name: t
        for name, t in state.items()
    }
    own = {name: p for name, p in captioner.named_parameters() if p.requires_grad}
    missing, others = sorted(own.keys() - named.keys()), sorted(named.keys() - own.keys())
    wrong = [name for name in own.keys() & named.keys() if own[name].shape != named[name].shape]
    if missing or others or wrong:
        raise EarShotError(
            got=f"{path} without {missing[:2]}, with {others[:2]}, of other shapes {wrong[:2]}",
            expected="projector and LoRA of that encoder and language model",
            mend="Pass the encoder and the language model that it was trained with.",
        )
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(named[name])
