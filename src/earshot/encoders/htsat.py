"""HTSAT through `transformers`' ClapAudioModel, with every fusion of the LAION paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import values_are_known
from earshot.encoders.states import LayerStates
from earshot.layers.feature_fusion import fusion_block

if TYPE_CHECKING:
    from transformers import ClapAudioConfig

N_VIEWS = 4  # the whole clip and three parts of it


@dataclass(frozen=True)
class HtsatConfig:
    """Sizes of an HTSAT; the defaults are LAION's tiny one. Source: arXiv:2202.00874."""

    n_mels: int = 64
    spec_size: int = 256  # side of the square image that the log-mel is folded into
    patch_dim: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    n_heads: tuple[int, ...] = (4, 8, 16, 32)
    window_size: int = 8  # patches
    drop_path: float = 0.1  # grows linearly from 0 over the blocks
    dropout: float = 0.0
    fusion: Literal["none", "daf", "aff", "iaff"] = "none"

    def __post_init__(self) -> None:
        last_grid = self.spec_size // 4 // 2 ** (len(self.depths) - 1)
        fold = self.spec_size // self.n_mels
        if self.spec_size % self.n_mels or last_grid < self.window_size or last_grid % fold:
            raise EarShotError(
                got=f"spec_size={self.spec_size}, n_mels={self.n_mels}, {len(self.depths)} stages "
                f"and window_size={self.window_size}: the last stage sees {last_grid} patches",
                expected="n_mels to divide spec_size, and a last grid of at least window_size "
                "that spec_size / n_mels divides",
                mend="Use fewer stages, a smaller window_size or a larger spec_size.",
            )

    @classmethod
    def tiny(cls) -> HtsatConfig:
        """LAION's and Microsoft 2023's: 27.5 M parameters, 768 wide."""
        return cls()

    @classmethod
    def base(cls) -> HtsatConfig:
        """LAION's larger one: 67.8 M parameters, 1024 wide."""
        return cls(patch_dim=128, depths=(2, 2, 12, 2))

    @classmethod
    def large(cls) -> HtsatConfig:
        """270.9 M parameters, 2048 wide."""
        return cls(patch_dim=256, depths=(2, 2, 12, 2))

    @classmethod
    def nano(cls) -> HtsatConfig:
        """0.28 M parameters, 96 wide: a training step of 64 clips takes 0.1 s of one core."""
        return cls(32, 64, 24, (1, 1, 2), (2, 4, 4), window_size=4)

    @property
    def max_frames(self) -> int:
        """The most frames that a log-mel may have."""
        return self.spec_size * self.spec_size // self.n_mels

    def to_transformers(self) -> ClapAudioConfig:
        """The same sizes in the words of `transformers`."""
        from transformers import ClapAudioConfig

        return ClapAudioConfig(
            num_mel_bins=self.n_mels,
            spec_size=self.spec_size,
            patch_embeds_hidden_size=self.patch_dim,
            hidden_size=self.patch_dim * 2 ** (len(self.depths) - 1),
            depths=list(self.depths),
            num_attention_heads=list(self.n_heads),
            num_hidden_layers=len(self.depths),
            window_size=self.window_size,
            drop_path_rate=self.drop_path,
            hidden_dropout_prob=self.dropout,
            enable_fusion=self.fusion != "none",
            fusion_type=None if self.fusion == "none" else f"{self.fusion}_2d",
        )


class Htsat(nn.Module):
    """A Swin transformer over a folded spectrogram, its tokens averaged.

    It stretches whatever it gets to one fixed image, so every row must be a full window: fill
    short clips first. A fused one takes four views of each clip and which rows are longer than
    the window; only those rows are fused. Source: arXiv:2202.00874, arXiv:2211.06687 section 3.2.
    """

    def __init__(self, config: HtsatConfig | ClapAudioConfig):
        super().__init__()
        from transformers import ClapAudioModel

        sizes = config.to_transformers() if isinstance(config, HtsatConfig) else config
        self.model = ClapAudioModel(sizes)
        self.n_mels = sizes.num_mel_bins
        self.max_frames = sizes.spec_size**2 // sizes.num_mel_bins
        self.fused = sizes.enable_fusion
        encoder = self.model.audio_encoder
        self.dim = encoder.num_features
        if self.fused:
            kind = (sizes.fusion_type or "aff_2d").removesuffix("_2d")
            if kind not in ("daf", "aff", "iaff"):
                raise EarShotError(
                    got=f"fusion_type={sizes.fusion_type!r}",
                    expected="daf_2d, aff_2d or iaff_2d",
                    mend="Only the 2-D fusions were ever released; use one of them.",
                )
            encoder.patch_embed.fusion_model = fusion_block(
                kind, sizes.patch_embeds_hidden_size, bottleneck=sizes.aff_block_r
            )

    def forward(self, log_mel: Tensor, n_frames: Tensor, is_longer: Tensor | None = None) -> Tensor:
        """The embedding [batch, dim] before any projection.

        log_mel [batch, n_mels, frames], or [batch, 4, n_mels, frames] views for a fused model;
        n_frames [batch], all equal to frames; is_longer [batch] bool, False where left out.
        """
        return self._heard(log_mel, n_frames, is_longer).pooler_output

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """The last stage's states over time, its rows of frequency averaged."""
        grid = self._heard(log_mel, n_frames, None).last_hidden_state  # [batch, dim, bands, steps]
        hidden = grid.mean(2).transpose(1, 2)  # [batch, positions, dim]
        n_positions = torch.full_like(n_frames, hidden.shape[1])
        return LayerStates((hidden,), n_positions, log_mel.shape[-1] / hidden.shape[1])

    def _heard(self, log_mel: Tensor, n_frames: Tensor, is_longer: Tensor | None) -> Any:
        """What the library's model says of views."""
        views = log_mel if log_mel.dim() == 4 else log_mel[:, None]  # [batch, views, n_mels, ...]
        self._check(views, n_frames)
        if self.fused and views.shape[1] == 1:
            views = views.expand(-1, N_VIEWS, -1, -1)
        if is_longer is None:
            is_longer = torch.zeros(len(views), dtype=torch.bool, device=views.device)
        features = views.transpose(2, 3)  # [batch, views, frames, n_mels]
        return self.model(input_features=features, is_longer=is_longer)

    def _check(self, views: Tensor, n_frames: Tensor) -> None:
        """Refuse what would be stretched or folded wrongly."""
        _, n_views, n_mels, frames = views.shape
        if n_views not in ((1, N_VIEWS) if self.fused else (1,)) or n_mels != self.n_mels:
            raise EarShotError(
                got=f"{n_views} views of {n_mels} mels",
                expected=f"{'1 or 4 views' if self.fused else '1 view'} of {self.n_mels} mels",
                mend="Give the log-mel and HTSAT the same n_mels, and views only when it is fused.",
            )
        if frames > self.max_frames or (values_are_known() and bool((n_frames != frames).any())):
            raise EarShotError(
                got=f"{frames} frames, of which {sorted(set(n_frames.tolist()))} are real",
                expected=f"rows full of sound, of at most {self.max_frames} frames",
                mend="Fill short clips to the window first (fill='repeatpad'), and cut long ones.",
            )
