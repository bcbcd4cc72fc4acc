"""A two-tower model and a third stream: a second view of the same sound, for training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.files import replacing
from earshot.encoders.agnostic import AgnosticEncoder, Trunk, TrunkConfig, WaveStem, WaveStemConfig
from earshot.encoders.strip_transformer import StripTransformer, StripTransformerConfig
from earshot.layers.projection import FineToCoarse
from earshot.models.two_tower import TwoTower

VIEW_NAME = "view.safetensors"


@dataclass(frozen=True)
class ViewConfig:
    """The second view and its encoder: exactly one of `waves` and `strips` is set.

    In training the view is turned round in time, made louder or softer, and given noise, each by a
    draw of its own, so that what it has in common with the anchor is what is heard in the clip.
    """

    waves: WaveStemConfig | None = None  # patches of the waveform, into `trunk`
    strips: StripTransformerConfig | None = None  # of the model's own log-mel, whose n_mels it has
    trunk: TrunkConfig | None = None  # of waves; the one that agnostic towers share when left out
    turn: bool = False  # what leaves at the end comes back at the start
    gain_db: float = 0.0  # up to so much, either way
    noise: float = 0.01  # standard deviation, up to so much: without noise it is heard as well

    def __post_init__(self) -> None:
        if (self.waves is None) == (self.strips is None):
            raise EarShotError(
                got=f"{'no' if self.waves is None else 'two'} encoders of the second view",
                expected="one of view.waves and view.strips",
                mend="Set the other to none, such as --set view.strips=none.",
            )


class ViewTower(nn.Module):
    """A sound as a unit row of the space where it meets the anchor."""

    def __init__(self, encoder: nn.Module, dim: int, config: ViewConfig):
        super().__init__()
        self.encoder, self.config = encoder, config
        self.projection = nn.Linear(encoder.dim, dim)

    def forward(self, waveform: Tensor, n_samples: Tensor) -> Tensor:
        """waveform [batch, samples] in [-1, 1], n_samples [batch] -> unit rows [batch, dim]."""
        if self.training:
            waveform = another_view(waveform, n_samples, self.config)
        return F.normalize(self.projection(self.encoder(waveform, n_samples)).float())


class HeardStrips(nn.Module):
    """A front end and a StripTransformer of its own; the front end has nothing to learn."""

    def __init__(self, features: nn.Module, encoder: StripTransformer):
        super().__init__()
        self.features, self.encoder, self.dim = features, encoder, encoder.dim

    def forward(self, waveform: Tensor, n_samples: Tensor) -> Tensor:
        """waveform [batch, samples], n_samples [batch] -> [batch, dim]."""
        with torch.autocast(waveform.device.type, enabled=False):
            log_mel, n_frames = self.features(waveform.float(), n_samples)
        return self.encoder(log_mel, n_frames)


def another_view(waveform: Tensor, n_samples: Tensor, config: ViewConfig) -> Tensor:
    """The same sounds turned round in time, at another level, in noise: random, a draw a clip."""
    n_clips, width = waveform.shape
    draw = torch.rand(3, n_clips, 1, device=waveform.device)
    if config.turn:
        place = torch.arange(width, device=waveform.device)[None]
        lengths = n_samples[:, None]
        turned = (place + (draw[0] * lengths).long()) % lengths
        waveform = waveform.gather(1, torch.where(place < lengths, turned, place))
    gain = 10 ** ((2 * draw[1] - 1) * config.gain_db / 20)
    return gain * waveform + draw[2] * config.noise * torch.randn_like(waveform)


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
    project = towers.audio_projection
    dim = project.fine_dim if isinstance(project, FineToCoarse) else project.dim
    if config.strips is not None:
        n_mels = towers.features.config.n_mels
        strips = StripTransformer(replace(config.strips, n_mels=n_mels))
        return ThreeStreams(towers, ViewTower(HeardStrips(towers.features, strips), dim, config))
    assert config.waves is not None
    shared = getattr(towers.audio_encoder, "trunk", None)
    trunk = shared if config.trunk is None else Trunk(config.trunk)
    if trunk is None:
        raise EarShotError(
            got="a second view without a trunk beside towers that share none",
            expected="a trunk of its own",
            mend="Set its size: --set view.trunk.dim=64.",
        )
    encoder = AgnosticEncoder(WaveStem(config.waves, trunk.config.dim), trunk)
    return ThreeStreams(towers, ViewTower(encoder, dim, config))


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
