"""A two-tower model and a third stream: a second view of the same sound, for training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.files import replacing
from earshot.encoders.agnostic import AgnosticEncoder, Trunk, TrunkConfig, WaveStem, WaveStemConfig
from earshot.layers.projection import FineToCoarse
from earshot.models.two_tower import TwoTower

VIEW_NAME = "view.safetensors"


@dataclass(frozen=True)
class ViewConfig:
    """The encoder of the second view, which hears the waveform itself."""

    waves: WaveStemConfig = field(default_factory=WaveStemConfig)
    trunk: TrunkConfig | None = None  # the one that agnostic towers share when left out
    noise: float = 0.01  # standard deviation of what is added to the waveform in training


class ViewTower(nn.Module):
    """A waveform as a unit row of the space where it meets the anchor."""

    def __init__(self, encoder: AgnosticEncoder, dim: int, noise: float):
        super().__init__()
        self.encoder, self.noise = encoder, noise
        self.projection = nn.Linear(encoder.dim, dim)

    def forward(self, waveform: Tensor, n_samples: Tensor) -> Tensor:
        """waveform [batch, samples] in [-1, 1], n_samples [batch] -> unit rows [batch, dim]."""
        if self.training:
            waveform = waveform + self.noise * torch.randn_like(waveform)
        return F.normalize(self.projection(self.encoder(waveform, n_samples)).float())


class ThreeStreams(nn.Module):
    """Anchor and text, the two towers of a model of any kind, and a second view of the sound."""

    def __init__(self, towers: TwoTower, view: ViewTower):
        super().__init__()
        self.towers, self.view = towers, view

    @property
    def sample_rate(self) -> int:
        """Hz, of all three streams."""
        return self.towers.sample_rate

    def anchor(self, waveform: Tensor, n_samples: Tensor) -> Tensor:
        """What both losses share of a sound, [batch, fine dim], not normalised.

        The embedding itself, or what VATT's heads have in the fine space.
        """
        project = self.towers.audio_projection
        hidden = self.towers.audio_hidden(waveform, n_samples)
        return (project.fine if isinstance(project, FineToCoarse) else project)(hidden).float()

    def beside_view(self, anchor: Tensor) -> Tensor:
        """The anchor's unit rows [batch, fine dim] where it meets the second view."""
        return F.normalize(anchor)

    def beside_text(self, anchor: Tensor) -> Tensor:
        """The anchor's unit rows [batch, dim] where it meets the text: the model's embedding."""
        project = self.towers.audio_projection
        return F.normalize(project.coarse(anchor) if isinstance(project, FineToCoarse) else anchor)


def add_view(towers: TwoTower, config: ViewConfig) -> ThreeStreams:
    """The towers with a second view of random weights."""
    shared = getattr(towers.audio_encoder, "trunk", None)
    trunk = shared if config.trunk is None else Trunk(config.trunk)
    if trunk is None:
        raise EarShotError(
            got="a second view without a trunk beside towers that share none",
            expected="a trunk of its own",
            mend="Set its size: --set view.trunk.dim=64.",
        )
    project = towers.audio_projection
    dim = project.fine_dim if isinstance(project, FineToCoarse) else project.dim
    encoder = AgnosticEncoder(WaveStem(config.waves, trunk.config.dim), trunk)
    return ThreeStreams(towers, ViewTower(encoder, dim, config.noise))


def save_view(streams: ThreeStreams, folder: Path) -> None:
    """Write the view's weights into a run folder; a trunk that the towers share lies with them."""
    from safetensors.torch import save_file

    state = {name: value.detach().cpu().contiguous() for name, value in _own(streams).items()}
    with replacing(folder / VIEW_NAME) as part:
        save_file(state, part)


def load_view(streams: ThreeStreams, folder: Path) -> None:
    """Read what `save_view` wrote into streams of the same config."""
    from safetensors.torch import load_file

    own, stored = _own(streams), load_file(folder / VIEW_NAME)
    shapes = [{name: list(value.shape) for name, value in each.items()} for each in (own, stored)]
    if shapes[0] != shapes[1]:
        raise EarShotError(
            got=f"{folder / VIEW_NAME} with tensors of other names or shapes",
            expected="those of the view's config",
            mend="Build it from the config in that folder.",
        )
    streams.view.load_state_dict(stored, strict=False)


def _own(streams: ThreeStreams) -> dict[str, Tensor]:
    """The view's weights that are not the towers' too."""
    towers = {id(value) for value in streams.towers.parameters()}
    state = streams.view.state_dict(keep_vars=True)
    return {name: value for name, value in state.items() if id(value) not in towers}
