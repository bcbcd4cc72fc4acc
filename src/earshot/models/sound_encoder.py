"""An encoder of sound with all it needs to hear: front end, windows, what short clips become."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape, values_are_known
from earshot.encoders.states import LayerStates
from earshot.features.fit_length import repeat_cut, repeat_pad, zero_pad
from earshot.layers.spec_augment import SpecAugment
from earshot.models.long_clips import LongClips

Fill = Literal["none", "zeros", "repeatpad", "tile"]
FILLS = {"zeros": zero_pad, "repeatpad": repeat_pad, "tile": repeat_cut}


class SoundEncoder(nn.Module):
    """Front end, audio encoder and projection: a sound becomes one vector, or one a position.

    Every part is handed in:
    - `features(waveform, n_samples) -> (log_mel [batch, n_mels, frames], n_frames)`;
    - `audio_encoder(log_mel, n_frames) -> [batch, .dim]`, and for what is heard when
      `audio_encoder.layers(log_mel, n_frames) -> LayerStates` with `.position_frames`;
    - the projection takes the encoder's dim to that of the embedding; Identity where left out.

    `fill` brings clips shorter than the window up to it, for encoders that need full windows:
    "zeros" adds silence, "repeatpad" repeats the clip as often as it fits whole and adds silence
    (LAION), "tile" repeats it and cuts the last one (Microsoft). `long_clips` says how clips longer
    than the window become one embedding, where the encoder can; without it they are refused.
    `spec_augment` masks stripes of the log-mel while training.
    """

    def __init__(
        self,
        *,
        features: nn.Module,
        audio_encoder: nn.Module,
        sample_rate: int,
        window_s: float,
        audio_projection: nn.Module | None = None,
        fill: Fill = "none",
        long_clips: LongClips | None = None,
        spec_augment: SpecAugment | None = None,
    ):
        super().__init__()
        self.features, self.audio_encoder = features, audio_encoder
        self.audio_projection = nn.Identity() if audio_projection is None else audio_projection
        self.sample_rate, self.window_s = sample_rate, window_s
        self.fill, self.long_clips, self.spec_augment = fill, long_clips, spec_augment
        self.config: Any = None  # the SoundEncoderConfig, where it was built from one
        own = getattr(getattr(features, "config", None), "sample_rate", sample_rate)
        if own != sample_rate:
            raise EarShotError(
                got=f"sample_rate={sample_rate} Hz with a front end for {own} Hz",
                expected="the same rate in both",
                mend="Give the model the sample rate of its features.",
            )

    @property
    def window_samples(self) -> int:
        """The longest clip in samples that is embedded without `long_clips`."""
        return round(self.window_s * self.sample_rate)

    @property
    def window_frames(self) -> int:
        """How many frames a full window has, counted as the front end counts them."""
        return self.features.frames_of(self.window_samples)

    def embed_audio(self, waveform: Tensor, n_samples: Tensor) -> Tensor:
        """Unit rows [batch, dim] of waveform [batch, samples], float32 in [-1, 1], at sample_rate.

        n_samples [batch]: real lengths; what lies past them is never heard.
        """
        self._check(waveform, n_samples)
        return self.embed_frames(*self.frames(waveform, n_samples))

    def embed_frames(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """Unit rows [batch, dim] of what `frames` gave: embed_audio from there on."""
        return F.normalize(self.audio_projection(self.hidden_frames(log_mel, n_frames)).float())

    def audio_hidden(self, waveform: Tensor, n_samples: Tensor) -> Tensor:
        """What the audio encoder says before projection, [batch, encoder dim]."""
        self._check(waveform, n_samples)
        return self.hidden_frames(*self.frames(waveform, n_samples))

    def hidden_frames(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """What the audio encoder says of what `frames` gave, [batch, encoder dim]."""
        longer: tuple[Tensor, ...] = ()
        fits = not values_are_known() or not bool((n_frames > self.window_frames).any())
        if self.long_clips is not None and not fits:
            log_mel, longer = self.long_clips.fit(
                log_mel, n_frames, self.window_frames, training=self.training
            )
            n_frames = torch.full_like(n_frames, self.window_frames)
        if self.spec_augment is not None:
            log_mel = self.spec_augment(log_mel, n_frames)
        return self.audio_encoder(log_mel, n_frames, *longer)

    def layers(self, waveform: Tensor, n_samples: Tensor) -> LayerStates:
        """Every layer's hidden states of waveform [batch, samples], position by position.

        Raises EarShotError for an encoder that hears a clip as a whole only.
        """
        self._check(waveform, n_samples)
        if not hasattr(self.audio_encoder, "layers"):
            raise EarShotError(
                got=f"{type(self.audio_encoder).__name__}, which hears a clip as a whole",
                expected="an encoder with states over time",
                mend="Use the clip's embedding, or another model.",
            )
        return self.audio_encoder.layers(*self.frames(waveform, n_samples))

    def position_s(self, states: LayerStates) -> float:
        """How far apart positions of `layers` lie, in seconds."""
        frames = states.position_frames or self.audio_encoder.position_frames
        return frames * self.features.config.hop_length / self.sample_rate

    def frames(self, waveform: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """The log-mel [batch, n_mels, frames] and n_frames [batch], short clips filled."""
        if values_are_known():
            waveform = waveform[:, : int(n_samples.max())]  # the batch's own padding is not needed
        if self.fill != "none":
            waveform, n_samples = FILLS[self.fill](waveform, n_samples, self.window_samples)
        with torch.autocast(waveform.device.type, enabled=False):  # |STFT|^2 overflows fp16
            return self.features(waveform.float(), n_samples)

    def _check(self, waveform: Tensor, n_samples: Tensor) -> None:
        """Refuse what the towers would take and get wrong."""
        check_shape(
            "waveform", waveform, ("batch", "samples"), mend="Mix down to mono and stack the clips."
        )
        check_shape("n_samples", n_samples, (len(waveform),), mend="Give every clip its length.")
        if not values_are_known():
            return
        if bool((n_samples < 1).any()) or bool((n_samples > waveform.shape[1]).any()):
            raise EarShotError(
                got=f"n_samples from {int(n_samples.min())} to {int(n_samples.max())}",
                expected=f"lengths from 1 to {waveform.shape[1]}, the width of the batch",
                mend="Leave out empty clips and give real lengths.",
            )
        if self.long_clips is None and bool((n_samples > self.window_samples).any()):
            raise EarShotError(
                got=f"a clip of {int(n_samples.max()) / self.sample_rate:.2f} s",
                expected=f"at most {self.window_s:g} s, the model's window",
                mend="Cut it into windows, as Embedder.embed_audio does, or give long_clips.",
            )
