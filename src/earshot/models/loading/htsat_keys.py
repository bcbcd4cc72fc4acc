"""The original HTSAT's parameter names in the words of `transformers`, and its sizes by shape."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from torch import Tensor

from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from earshot.encoders.htsat import HtsatConfig

# Heads of the original that CLAP never reads, and its front end, which LogMel is given instead.
UNUSED = ("tscam_conv.", "head.", "spectrogram_extractor.", "logmel_extractor.")

_RULES = (
    (r"^bn0\.", "batch_norm."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.attn\.(relative_position_\w+)$", r".attention.self.\1"),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
)


def rename_htsat(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """The tensor under its name or names within ClapAudioModel's audio_encoder; {} when unused.

    One qkv matrix becomes query, key and value: its three blocks of rows.
    """
    if name.startswith(UNUSED) or name.endswith("attn_mask"):
        return {}
    if ".attn.qkv." in name:
        parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
        return {name.replace(".attn.qkv.", f".attention.self.{part}."): t for part, t in parts}
    for pattern, new in _RULES:
        name = re.sub(pattern, new, name)
    return {name: tensor}


def htsat_sizes(state: Mapping[str, Tensor]) -> HtsatConfig:
    """The sizes of an HTSAT from the shapes in its original state dict."""
    from earshot.encoders.htsat import HtsatConfig

    found = (re.match(r"layers\.(\d+)\.blocks\.(\d+)\.norm1\.weight", name) for name in state)
    blocks = [(int(match[1]), int(match[2])) for match in found if match]  # stage, block
    stages = range(1 + max(stage for stage, _ in blocks))
    tables = [state[f"layers.{i}.blocks.0.attn.relative_position_bias_table"] for i in stages]
    window = (math.isqrt(len(tables[0])) + 1) // 2
    shifted = state.get("layers.0.blocks.1.attn_mask")  # [windows, window^2, window^2]
    grid = 64 if shifted is None else window * math.isqrt(len(shifted))
    return HtsatConfig(
        n_mels=len(state["bn0.weight"]),
        spec_size=4 * grid,
        patch_dim=len(state["patch_embed.proj.weight"]),
        depths=tuple(sum(stage == i for stage, _ in blocks) for i in stages),
        n_heads=tuple(table.shape[1] for table in tables),
        window_size=window,
        fusion=_fusion_of(state),
    )


def _fusion_of(state: Mapping[str, Tensor]) -> Literal["none", "daf", "aff", "iaff"]:
    """Which fusion the file was trained with, by the keys it holds."""
    if state["patch_embed.proj.weight"].shape[1] != 1 or "mel_conv1d.0.weight" in state:
        raise EarShotError(
            got="an HTSAT with channel_map or 1-D fusion",
            expected="no fusion, or daf_2d, aff_2d or iaff_2d",
            mend="Those variants were never released; use another checkpoint.",
        )
    if "patch_embed.mel_conv2d.weight" not in state:
        return "none"
    if "patch_embed.fusion_model.local_att2.0.weight" in state:
        return "iaff"
    return "aff" if "patch_embed.fusion_model.local_att.0.weight" in state else "daf"
