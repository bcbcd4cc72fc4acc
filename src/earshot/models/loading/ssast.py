"""The original .pth files of SSAST (pre-trained) and AST (fine-tuned), which share their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.patches import PatchConfig
from earshot.encoders.spectrogram_transformer import (
    N_SPECIAL,
    SpectrogramTransformer,
    SpectrogramTransformerConfig,
)
from earshot.features.kaldi import KaldiFbank, KaldiFbankConfig
from earshot.models.load_report import LoadReport
from earshot.models.loading.weights import Placement, read_torch, tensors_of
from earshot.models.pretraining.masked_spectrogram import MaskedSpectrogram
from earshot.models.sound_encoder import SoundEncoder

ENCODER, HEADS = "v.", ("v.head.", "v.head_dist.")  # ImageNet's, never used by either
BANDS, FRAMES = "p_input_fdim", "p_input_tdim"  # of SSAST's pre-training alone
HEAD_DIM = 64  # of an attention head: DeiT's in all three sizes
AST_BANDS, AST_FRAMES, AST_STRIDES = 128, 1_024, (10, 12, 14, 16)  # of the released AST files


def is_ssast(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are those of SSAST or AST."""
    return {"v.cls_token", "v.dist_token", "v.pos_embed", "v.patch_embed.proj.weight"} <= set(state)


def load_ssast(state: Mapping[str, Tensor], path: Path) -> tuple[SoundEncoder, LoadReport]:
    """The encoder of a file as it was trained: padded to its length, no padding masked.

    Its clip vector is the mean of the patches for SSAST, and of cls and dist for AST.
    """
    config = ssast_config(state, path)
    encoder = SpectrogramTransformer(config)
    placement = Placement()
    for name, tensor in state.items():
        is_encoder = name.startswith(ENCODER) and not name.startswith(HEADS)
        placement.put(name, {name.removeprefix(ENCODER): tensor} if is_encoder else {})
    missing = placement.place_into(encoder, path)
    front_end = replace(KaldiFbankConfig.ast(), n_mels=config.patches.n_mels)
    model = SoundEncoder(
        features=KaldiFbank(front_end),
        audio_encoder=encoder,
        sample_rate=front_end.sample_rate,
        window_s=config.most_frames * front_end.hop_length / front_end.sample_rate,
    )
    shape = f"{config.patches.height} bands by {config.patches.width} frames"
    report = LoadReport(
        source=str(path),
        kind=f"{'SSAST' if FRAMES in state else 'AST'}, {config.dim} wide, patches of {shape}",
        renamed=placement.renamed,
        missing=missing,
        unexpected=tuple(placement.unexpected),
    )
    return model.eval(), report


def read_ssast_pretraining(path: Path) -> MaskedSpectrogram:
    """The pre-training model of an SSAST file, with both heads, to go on from."""
    state = tensors_of(read_torch(path), path)
    if not is_ssast(state) or FRAMES not in state or "mask_embed" not in state:
        raise EarShotError(
            got=f"{path}, which is no pre-trained SSAST",
            expected="a file such as SSAST-Base-Patch-400.pth",
            mend="Load an encoder alone with earshot.load.",
        )
    model = MaskedSpectrogram(SpectrogramTransformer(ssast_config(state, path)))
    placement = Placement()
    for name, tensor in state.items():
        placement.put(name, {} if name.startswith(HEADS) else {name: tensor})
    placement.place_into(model, path)
    return model.eval()


def ssast_config(state: Mapping[str, Tensor], path: Path) -> SpectrogramTransformerConfig:
    """Sizes of the encoder, from the shapes of its weights."""
    kernel = state["v.patch_embed.proj.weight"]
    blocks = {int(name.split(".")[2]) for name in state if name.startswith("v.blocks.")}
    inner = state.get("v.blocks.0.mlp.fc1.weight")
    if kernel.dim() != 4 or inner is None or len(kernel) % HEAD_DIM:
        raise EarShotError(
            got=f"{path} without a patch embedding and blocks of a DeiT",
            expected="a file of YuanGongND/ssast or YuanGongND/ast",
            mend="Download it again.",
        )
    dim, _, height, width = kernel.shape
    patches, frames = _patches(state, path, height, width)
    normal = KaldiFbankConfig.ast()
    return SpectrogramTransformerConfig(
        patches=patches,
        dim=dim,
        depth=len(blocks),
        n_heads=dim // HEAD_DIM,
        mlp_dim=len(inner),
        most_frames=frames,
        padding="attended",
        fill=-normal.mean / (2 * normal.std),
        pooling="mean" if FRAMES in state else "special",
    )


def _patches(
    state: Mapping[str, Tensor], path: Path, height: int, width: int
) -> tuple[PatchConfig, int]:
    """How the file's spectrograms are cut, and how many frames they have."""
    n_tokens = state["v.pos_embed"].shape[1] - N_SPECIAL
    if BANDS in state and FRAMES in state:
        bands, frames = int(state[BANDS]), int(state[FRAMES])
        tries = [(PatchConfig(bands, height, width), frames)] if bands >= height else []
    else:
        tries = [
            (PatchConfig(AST_BANDS, height, width, stride, stride), AST_FRAMES)
            for stride in AST_STRIDES
            if height <= AST_BANDS
        ]
    for patches, frames in tries:
        if patches.n_rows * patches.whole_columns(frames) == n_tokens:
            return patches, frames
    raise EarShotError(
        got=f"{path} with positions for {n_tokens} patches of {height} by {width}",
        expected="an SSAST as pre-trained, or an AST of 128 bands by 1024 frames",
        mend="Fine-tuned models of other lengths do not say how their sounds are cut.",
    )
