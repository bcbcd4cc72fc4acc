"""What the captioner learns from and is chosen by: scenes as the ears hear them, made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from caption_scenery import Event, Mixer, Piece, edge_bands, heard, made_pieces, pieces_of
from caption_scenery import unheard_speech as _unheard_speech
from earshot.core.seed import generator
from earshot.models.two_tower import TwoTower
from sounds import Sound
from store import kept

SHELVES = {"esc10": 0.22, "instruments": 0.2, "effects": 0.08, "speech": 0.05, "digits": 0.05,
           "synth": 0.22, "made": 0.18}  # fmt: skip
BLOCK = 500  # scenes that are kept at once
SEEDS = {"train": 0, "val": 10_000, "test": 20_000}


@dataclass(frozen=True)
class Heard:
    """Scenes as embeddings [scenes, 3, dim], and what there is to hear in each."""

    embeddings: Tensor
    events: list[tuple[Event, ...]]
    relations: list[str]
    lengths: list[int]  # frames


def all_pieces(sounds: Sequence[Sound], data: Path, work: Path, fold: int) -> list[Piece]:
    """Every piece with its split: recordings and renderings."""
    found = pieces_of(sounds, fold)
    found += kept(work / "speech.pt", lambda: list(_unheard_speech(data)))
    for split, n_takes in (("train", 3), ("val", 1)):
        make = lambda split=split, n=n_takes: list(made_pieces(SEEDS[split], n, split))  # noqa: E731
        found += kept(work / f"made-{split}.pt", make)
    return found


def block(
    pieces: Callable[[], Sequence[Piece]],
    split: str,
    number: int,
    ears: Sequence[TwoTower],
    work: Path,
) -> Heard:
    """Block `number` of a split's scenes; each pair of ears hears every other scene."""

    def make() -> Heard:
        mixer = Mixer([piece for piece in pieces() if piece.split == split], edge_bands())
        begin = number * BLOCK
        scenes = [
            mixer.scene(generator(SEEDS[split], i, "scene"), SHELVES)
            for i in range(begin, begin + BLOCK)
        ]
        embeddings = torch.empty(BLOCK, 3, 256, dtype=torch.half)
        for k, pair in enumerate(ears):
            mine = slice(k, None, len(ears))
            embeddings[mine] = heard(pair, [scene.log_mel for scene in scenes[mine]])
        return Heard(
            embeddings, [s.events for s in scenes], [s.relation for s in scenes],
            [s.log_mel.shape[1] for s in scenes],
        )  # fmt: skip

    return kept(work / f"heard-{split}-{number:02d}.pt", make)


def recorded_kinds(pieces: Sequence[Piece]) -> list[str]:
    """Kinds of which there are recordings to learn from."""
    return sorted({p.kind for p in pieces if p.origin not in ("made", "synth", "unknown")})


def joined(blocks: Sequence[Heard]) -> Heard:
    """Blocks as one."""
    return Heard(
        torch.cat([each.embeddings for each in blocks]),
        [event for each in blocks for event in each.events],
        [relation for each in blocks for relation in each.relations],
        [length for each in blocks for length in each.lengths],
    )
