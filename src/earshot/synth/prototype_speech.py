"""A toy language to translate: symbols that sound, and another language they stand for.

Each symbol is a point in the space of frames that is held for a while; sentences follow a bigram
grammar. The other language has its own word for each symbol, and swaps some neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.utterances import Utterance


@dataclass(frozen=True)
class PrototypeSpeechConfig:
    """The language and how it is spoken."""

    n_symbols: int = 24
    n_features: int = 20  # of a frame
    n_followers: int = 6  # symbols that may follow a symbol; never itself
    shortest: int = 4  # symbols of a sentence
    longest: int = 10
    least_hold: int = 3  # frames of a symbol
    most_hold: int = 8
    noise: float = 0.6  # of every frame, beside prototypes of standard deviation 1
    speaker: float = 0.5  # an offset of each utterance
    smoothing: int = 3  # frames that are averaged

    def __post_init__(self) -> None:
        rising = 1 <= self.shortest <= self.longest and 1 <= self.least_hold <= self.most_hold
        if not rising or not 1 <= self.n_followers < self.n_symbols or self.smoothing < 1:
            raise EarShotError(
                got=f"sentences of {self.shortest} to {self.longest} symbols, held "
                f"{self.least_hold} to {self.most_hold} frames, {self.n_followers} followers of "
                f"{self.n_symbols} symbols",
                expected="ranges from 1 on that rise, and fewer followers than symbols",
                mend="The defaults are 4 to 10, 3 to 8 and 6 of 24.",
            )


class PrototypeLanguage:
    """The language of a seed: prototypes, grammar, and the words it is translated to."""

    def __init__(self, seed: int, config: PrototypeSpeechConfig | None = None) -> None:
        self.seed, self.config = seed, config or PrototypeSpeechConfig()
        n = self.config.n_symbols
        rng = generator(seed, "prototype language")
        self.prototypes = rng.normal(size=(n, self.config.n_features))  # [symbols, n_features]
        self.followers = np.stack(
            [
                rng.permutation([j for j in range(n) if j != i])[: self.config.n_followers]
                for i in range(n)
            ]
        )  # [symbols, n_followers]
        self.meaning = rng.permutation(n)  # [symbols]
        self.leads = rng.permutation(n) < n // 2  # [symbols], those that swap with one that follows

    def sentence(self, rng: np.random.Generator) -> list[int]:
        """Symbols that follow each other by the grammar."""
        length = int(rng.integers(self.config.shortest, self.config.longest + 1))
        symbols = [int(rng.integers(self.config.n_symbols))]
        while len(symbols) < length:
            symbols.append(int(rng.choice(self.followers[symbols[-1]])))
        return symbols

    def translation(self, symbols: Sequence[int]) -> list[int]:
        """Words of the other language: a lead and the follower after it change places, once each.

        Read from the left; a pair that has changed places is left behind.
        """
        words = [int(self.meaning[each]) for each in symbols]
        place = 0
        while place + 1 < len(symbols):
            if self.leads[symbols[place]] and not self.leads[symbols[place + 1]]:
                words[place], words[place + 1] = words[place + 1], words[place]
                place += 1
            place += 1
        return words

    def speak(self, symbols: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """Frames [n_features, frames], float32."""
        config = self.config
        holds = rng.integers(config.least_hold, config.most_hold + 1, len(symbols))
        frames = np.repeat(self.prototypes[list(symbols)], holds, axis=0)
        frames = frames + rng.normal(size=frames.shape) * config.noise
        window = np.ones(config.smoothing) / config.smoothing
        padded = np.pad(
            frames, ((config.smoothing // 2, (config.smoothing - 1) // 2), (0, 0)), mode="edge"
        )
        smooth = np.stack([np.convolve(band, window, mode="valid") for band in padded.T])
        shift = rng.normal(size=(config.n_features, 1)) * config.speaker
        return (smooth + shift).astype(np.float32)

    def utterances(self, n: int, part: str, *, spoken: bool = True) -> list[Utterance]:
        """The first `n` sentences of a part, such as "train": other parts have others."""
        rng = generator(self.seed, part, "prototype sentences")
        made = []
        for index in range(n):
            symbols = self.sentence(rng)
            made.append(
                Utterance(
                    source=" ".join(f"s{each}" for each in symbols),
                    target=" ".join(f"w{each}" for each in self.translation(symbols)),
                    frames=self.speak(symbols, rng) if spoken else None,
                    id=f"{part}-{index}",
                )
            )
        return made
