"""Weights of wsac, a text-only captioner of others, as a captioner behind any CLAP.

Source: github.com/zelaki/wsac (arXiv:2309.12242).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.decoders.language_model import LanguageModelConfig
from earshot.layers.prefix_mapper import PrefixMapperConfig
from earshot.models.gap_bridge import GapBridgeConfig
from earshot.models.hard_prompts import HardPromptConfig
from earshot.models.loading.weights import read_torch, tensors_of
from earshot.models.soft_hard_captioner import SoftHardCaptioner, SoftHardConfig
from earshot.models.two_tower import TwoTower

WRITER, HEAD, LIFT = "decoder.transformer.", "decoder.lm_head.", "clap_project.model.0."
BUFFERS = re.compile(r"\.attn\.(?:masked_)?bias$")  # causal masks that older releases stored


def is_wsac(state: Mapping[str, Tensor]) -> bool:
    """Whether these are wsac's keys."""
    return f"{WRITER}wte.weight" in state and f"{LIFT}weight" in state


def load_wsac(path: Path, clap: TwoTower, *, n_heads: int = 4) -> SoftHardCaptioner:
    """The captioner in a wsac checkpoint, behind the CLAP that it was trained with.

    Its decoder is a GPT-2 of `n_heads` heads, which the weights do not tell; its sizes are read off
    the weights. Its tokenizer (BERT's) is to be set: `captioner.decoder.tokenizer`. Raises
    EarShotError for other keys, and for a CLAP of another space.
    """
    state = tensors_of(read_torch(path), path)
    if not is_wsac(state):
        raise EarShotError(
            got=f"{path} with keys such as {', '.join(sorted(state)[:3])}",
            expected="decoder.transformer.*, decoder.lm_head.weight and clap_project.model.0.*",
            mend="Pass the checkpoint that wsac's training saved.",
        )
    config = config_of(state, n_heads)
    dim = int(clap.embed_text([""]).shape[1])
    if dim != config.clap_dim:
        raise EarShotError(
            got=f"a CLAP of {dim} dimensions for {path}",
            expected=f"{config.clap_dim} dimensions",
            mend="Pass the CLAP that the checkpoint was trained with: WavCaps' has 1024.",
        )
    captioner = SoftHardCaptioner(config, clap)
    captioner.load_state_dict(renamed(state))
    return captioner.eval()


def config_of(state: Mapping[str, Tensor], n_heads: int) -> SoftHardConfig:
    """The sizes that the weights have."""
    vocab_size, dim = state[f"{WRITER}wte.weight"].shape
    blocks = {name.split(".")[3] for name in state if name.startswith(f"{WRITER}h.")}
    wide, clap_dim = state[f"{LIFT}weight"].shape
    writer = LanguageModelConfig(
        dim=dim,
        depth=len(blocks),
        n_heads=n_heads,
        mlp_dim=state[f"{WRITER}h.0.mlp.c_fc.weight"].shape[1],
        vocab_size=vocab_size,
        max_positions=len(state[f"{WRITER}wpe.weight"]),
    )
    return SoftHardConfig(
        clap_dim=clap_dim,
        mapper=PrefixMapperConfig(wide // dim, depth=0),
        writer=writer,
        bridge=GapBridgeConfig.none(),
        prompt=HardPromptConfig.none(),
    )


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under the names of a SoftHardCaptioner; what is no weight of it is left out."""
    ours = {
        WRITER: "decoder.language_model.transformer.",
        HEAD: "decoder.language_model.lm_head.",
        LIFT: "mapper.lift.",
    }
    return {
        new + name.removeprefix(old): tensor.to(torch.float32)
        for old, new in ours.items()
        for name, tensor in state.items()
        if name.startswith(old) and not BUFFERS.search(name)
    }
