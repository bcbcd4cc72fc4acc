"""What a frozen encoder says of every clip, heard once and kept, in batches as a loader's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data import Clip
from earshot.data.order import BatchOrder

AT_ONCE = 32  # clips that are heard together
StatesOf = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class StatesBatch:
    """States of some clips, and a caption of each."""

    states: Tensor  # [batch, positions, dim], zeros after n_positions
    n_positions: Tensor  # [batch]
    captions: list[str]  # one a clip, drawn anew on every visit
    clips: list[Clip]

    def to(self, device: torch.device | str, **options: bool) -> StatesBatch:
        """The same on `device`."""
        moved = {name: getattr(self, name).to(device) for name in ("states", "n_positions")}
        return replace(self, **moved)


class KeptStates:
    """States of clips, each heard once from its start, up to `max_s` of it.

    `states_of(waveform, n_samples)` gives states [batch, positions, dim] and n_positions. Clips
    that cannot be read are left out and told of in `faults`. What is kept hangs on clips and
    encoder alone, so that a resumed run learns from the same numbers.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        states_of: StatesOf,
        *,
        sample_rate: int,
        max_s: float,
        device: torch.device | str = "cpu",
    ) -> None:
        self.clips: list[Clip] = []
        self.states: list[Tensor] = []  # [positions, dim] each, on the CPU
        self.faults: list[str] = []
        for begin in range(0, len(clips), AT_ONCE):
            heard = [
                (clip, sound)
                for clip in clips[begin : begin + AT_ONCE]
                if (sound := self._read(clip, sample_rate, max_s)) is not None
            ]
            if not heard:
                continue
            lengths = torch.tensor([len(sound) for _, sound in heard])
            waveform = pad_sequence([sound for _, sound in heard], batch_first=True)
            states, n_positions = states_of(waveform.to(device), lengths.to(device))
            for (clip, _), rows, n in zip(heard, states.cpu(), n_positions.tolist(), strict=True):
                self.clips.append(clip)
                self.states.append(rows[:n].clone())
        if not self.clips:
            raise EarShotError(
                got=f"{len(clips)} clips, none of which can be heard",
                expected="sounds",
                mend=(self.faults or ["Pass clips."])[0],
            )

    def rows(self, places: Sequence[int], captions: Sequence[str]) -> StatesBatch:
        """A batch of the clips at these places."""
        states = [self.states[i] for i in places]
        return StatesBatch(
            states=pad_sequence(states, batch_first=True),
            n_positions=torch.tensor([len(each) for each in states]),
            captions=list(captions),
            clips=[self.clips[i] for i in places],
        )

    def batches(
        self, batch_size: int, seed: int, *, rank: int = 0, world: int = 1
    ) -> Callable[[int], Iterator[StatesBatch]]:
        """Batches from a step on, without end: a function of clips, seed and step alone."""
        order = BatchOrder(len(self.clips), batch_size, seed)

        def stream(start_step: int) -> Iterator[StatesBatch]:
            first, skip = divmod(start_step, order.n_steps)
            for epoch in itertools.count(first):
                whole, _ = order.epoch(epoch)
                for indices in whole[skip:]:
                    mine = [int(i) for i in torch.tensor(indices).tensor_split(world)[rank]]
                    yield self.rows(mine, [self._caption(i, seed, epoch) for i in mine])
                skip = 0

        return stream

    def _caption(self, place: int, seed: int, epoch: int) -> str:
        captions = self.clips[place].captions
        drawn = generator(seed, "kept caption", epoch, place).random()
        return captions[int(drawn * len(captions))]

    def _read(self, clip: Clip, sample_rate: int, max_s: float) -> Tensor | None:
        try:
            sound = clip.read(sample_rate=sample_rate, duration_s=max_s).waveform
        except (EarShotError, OSError) as fault:
            self.faults.append(f"{clip.id}: {fault}")
            return None
        if not len(sound):
            self.faults.append(f"{clip.id}: no sound in it")
            return None
        return torch.from_numpy(sound[: round(max_s * sample_rate)].copy())
