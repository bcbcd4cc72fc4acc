"""BEATs: square patches of a filter bank through a DeepNorm transformer."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.patches import PatchConfig, cut_patches, fill_frames
from earshot.encoders.states import LayerStates
from earshot.layers.deepnorm_transformer import DeepNormConfig, DeepNormTransformer
from earshot.layers.pooling import mean_of_real, padding_of


@dataclass(frozen=True)
class BeatsConfig:
    """Sizes of the encoder; the defaults are those of the released base model, 90.3 M weights."""

    n_mels: int = 128
    patch: int = 16  # bands and frames a patch, which do not overlap
    embed_dim: int = 512  # of a patch before the transformer
    n_classes: int = 0  # of the classifier of a fine-tuned model; none with 0
    transformer: DeepNormConfig = field(default_factory=DeepNormConfig)

    def __post_init__(self) -> None:
        if self.patch < 1 or self.n_mels < self.patch or self.n_classes < 0:
            raise EarShotError(
                got=f"n_mels={self.n_mels}, patch={self.patch}, n_classes={self.n_classes}",
                expected="a patch of at least 1 and at most n_mels bands, and no negative counts",
                mend="The released model has n_mels=128 and patch=16.",
            )


class BeatsEncoder(nn.Module):
    """Patches, time after time and from low bands to high, embedded and attended over.

    Names and shapes are those of the released checkpoints. Differs: a row of patches counts where
    all of its frames are sound, alone and in any batch; the released code counts a row that is
    partly padding. A clip shorter than a patch is filled up with zeros to one.
    Source: arXiv:2212.09058, section 3.1 and code.
    """

    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        self.config, self.dim = config, config.transformer.dim
        self.position_frames = float(config.patch)
        self.n_bands = config.n_mels // config.patch  # patches at one time
        self.grid = PatchConfig(config.n_mels, config.patch, config.patch, order="time")
        self.patch_embedding = nn.Conv2d(  # over time by band, as the released code has them
            1, config.embed_dim, config.patch, stride=config.patch, bias=False
        )
        self.layer_norm = nn.LayerNorm(config.embed_dim)
        same = config.embed_dim == self.dim
        self.post_extract_proj = nn.Identity() if same else nn.Linear(config.embed_dim, self.dim)
        self.encoder = DeepNormTransformer(config.transformer)
        self.labels: tuple[str, ...] = ()  # names of the classes, where a released file has them
        self.predictor = nn.Linear(self.dim, config.n_classes) if config.n_classes else None

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, n_mels, frames], n_frames [batch] -> [batch, dim]: the patches' mean."""
        hidden, padding = self.hidden(log_mel, n_frames)
        return mean_of_real(hidden, padding)

    def hidden(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """The last layer's states [batch, patches, dim], and their padding [batch, patches]."""
        patches, padding = self.patches(log_mel, n_frames)
        return self.encoder(self.embed(patches), padding), padding

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """Every layer's states over time, each the mean of its patches' from low band to high."""
        states = self.patch_layers(log_mel, n_frames)
        rows = tuple(each.unflatten(1, (-1, self.n_bands)).mean(2) for each in states.hidden)
        return LayerStates(rows, states.n_positions // self.n_bands)

    def patch_layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """Every layer's states of the patches themselves, time after time, low bands first."""
        patches, padding = self.patches(log_mel, n_frames)
        states = self.encoder.states(self.encoder.place(self.embed(patches), padding), padding)
        return LayerStates(states, (~padding).sum(1), self.position_frames / self.n_bands)

    def class_probabilities(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """Of a fine-tuned model: the sigmoid of the mean over patches, [batch, n_classes]."""
        if self.predictor is None:
            raise EarShotError(
                got="a BEATs without a classifier",
                expected="a fine-tuned one",
                mend="Load a checkpoint with a predictor, such as ..._cpt1.pt or ..._cpt2.pt.",
            )
        hidden, padding = self.hidden(log_mel, n_frames)
        return mean_of_real(self.predictor(hidden), padding).sigmoid()

    def patches(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels [batch, patches, patch * patch] (band by time), and padding [batch, patches].

        Patch t * n_bands + f is of the t-th time and the f-th band from below.
        """
        frames = max(log_mel.shape[2], self.config.patch)
        pixels = cut_patches(fill_frames(log_mel, n_frames, frames, 0.0), self.grid)
        n_rows = (n_frames // self.config.patch).clamp(min=1)
        return pixels, padding_of(n_rows * self.n_bands, pixels.shape[1])

    def embed(self, patches: Tensor) -> Tensor:
        """Pixels [batch, patches, patch * patch] -> what the transformer takes, of width dim."""
        kernel = self.patch_embedding.weight[:, 0].transpose(1, 2)  # [embed_dim, band, time]
        embedded = patches @ kernel.flatten(1).T  # what the strided convolution gives
        return self.post_extract_proj(self.layer_norm(embedded))
