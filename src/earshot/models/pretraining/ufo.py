"""EAT as it is pre-trained: a teacher hears all of a clip, its pupil several small parts of it."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.eat import EatEncoder
from earshot.layers.grid_decoder import GridDecoder
from earshot.layers.inverse_blocks import inverse_block_mask
from earshot.objectives.utterance_frame import averaged_targets, frame_loss, utterance_loss


@dataclass(frozen=True)
class UfoConfig:
    """What is hidden, who teaches and what counts. The defaults are EAT-base's."""

    n_clones: int = 16  # masks a clip, under one pass of the teacher
    share: float = 0.8  # of the patches that are hidden
    side: int = 5  # of the squares that are kept, in patches
    adjust: float = 0.07
    utterance_weight: float = 1.0
    decoder_depth: int = 6
    decoder_groups: int = 16
    noise: float = 0.01  # standard deviation of what stands for hidden patches in the decoder
    decay: float = 0.9998  # of the teacher at first ...
    end_decay: float = 0.99999  # ... and from `decay_updates` on
    decay_updates: int = 100_000
    least_variance: float = 1e-6  # of what the teacher's MLPs add, over tokens; below: collapse

    def __post_init__(self) -> None:
        if (
            not 0 <= self.decay <= self.end_decay < 1
            or min(self.decay_updates, self.n_clones) < 1
            or min(self.utterance_weight, self.noise) < 0
        ):
            raise EarShotError(
                got=f"decay={self.decay:g} to {self.end_decay:g} over {self.decay_updates}, "
                f"n_clones={self.n_clones}, utterance_weight={self.utterance_weight:g}",
                expected="decays that rise below 1 over at least 1 update, at least 1 clone, and "
                "no negative weight",
                mend="EAT has 0.9998 to 0.99999 over 100 000, 16 clones and 1.",
            )


class Ufo(nn.Module):
    """The utterance-frame objective over an EAT encoder, which is trained in place.

    L = L_frame + utterance_weight * L_utterance; see objectives/utterance_frame.py. The teacher is
    a running average of the encoder, patches included; call `after_update` after every update.
    Source: arXiv:2401.03497, section 3.
    """

    n_updates: Tensor  # [] int64

    def __init__(self, encoder: EatEncoder, config: UfoConfig | None = None) -> None:
        super().__init__()
        self.encoder, self.config = encoder, config or UfoConfig()
        if not encoder.config.n_frames:
            raise EarShotError(
                got="n_frames=0: clips of any length",
                expected="clips that are filled up to one length, so that masks are alike",
                mend="Set audio.eat.n_frames, such as 1024.",
            )
        self.grid = (encoder.config.n_frames // encoder.config.patch, encoder.config.n_bands)
        self.decoder = GridDecoder(
            encoder.dim, depth=self.config.decoder_depth, groups=self.config.decoder_groups
        )
        self.teacher = copy.deepcopy(encoder).requires_grad_(False).eval()
        self.register_buffer("n_updates", torch.zeros((), dtype=torch.int64))

    def train(self, mode: bool = True) -> Ufo:
        """The teacher stays in eval mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> dict[str, Tensor]:
        """log_mel [batch, n_mels, frames], n_frames [batch] -> "loss" and its parts.

        "target_variance" is that of the teacher's last MLP over tokens, which falls to 0 in a
        collapse. Masks and noise come from torch's own generator.
        """
        config = self.config
        targets, variance = self.targets(log_mel, n_frames)
        if float(variance) < config.least_variance:
            raise EarShotError(
                got=f"a teacher of variance {float(variance):.2g}",
                expected=f"at least {config.least_variance:g}: it has collapsed",
                mend="Raise ufo.decay and ufo.end_decay, or lower the learning rate.",
            )
        patches, _ = self.encoder.patches(log_mel, n_frames)
        mask = inverse_block_mask(
            len(patches) * config.n_clones,
            self.grid,
            config.share,
            side=config.side,
            adjust=config.adjust,
        ).to(patches.device)
        patches = patches.repeat_interleave(config.n_clones, 0)
        wanted = targets.repeat_interleave(config.n_clones, 0)
        token, told = self.guess(patches, mask)
        frame, utterance = frame_loss(told, wanted, mask), utterance_loss(token, wanted)
        loss = frame + config.utterance_weight * utterance
        return {
            "loss": loss, "frame": frame, "utterance": utterance, "target_variance": variance,
        }  # fmt: skip

    @torch.no_grad()
    def targets(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """What the teacher says of whole clips [batch, patches, dim], and its variance []."""
        patches, _ = self.teacher.patches(log_mel, n_frames)
        _, added = self.teacher.encode(patches)
        added = [each[:, 1:] for each in added]  # without the learnt token
        return averaged_targets(added), added[-1].float().var(1).mean()

    def guess(self, patches: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The learnt token [batch, dim], and every patch as the decoder tells it.

        patches [batch, patches, dim] with their places, of which `mask` hides as many in each row.
        """
        n_seen = int((~mask[0]).sum())
        place = mask.to(torch.int8).argsort(dim=1, stable=True)[:, :n_seen]  # seen ones in order
        index = place[..., None].expand(-1, -1, patches.shape[2])
        states, _ = self.encoder.encode(patches.gather(1, index))
        seen = states[-1][:, 1:]
        whole = torch.randn(patches.shape, device="cpu").to(seen) * self.config.noise
        whole = whole.scatter(1, index, seen)
        return states[-1][:, 0], self.decoder(whole, self.grid)

    @torch.no_grad()
    def after_update(self) -> None:
        """The teacher follows the encoder, ever more slowly."""
        config = self.config
        share = min(int(self.n_updates) / config.decay_updates, 1.0)
        decay = config.decay + share * (config.end_decay - config.decay)
        own = dict(self.encoder.named_parameters())
        for name, value in self.teacher.named_parameters():
            value.lerp_(own[name].to(value), 1 - decay)
        self.n_updates += 1
