"""The test of the captioner: sounds that neither it nor its ears had heard, captioned once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from caption_judge import captions_for, figures, gold_of
from caption_scenery import MOST, Mixer, Piece, Scene, edge_bands, heard
from caption_store import SEEDS
from earshot.audio import resample
from earshot.core.seed import generator
from earshot.decoders.decoding import DecodingConfig
from earshot.models.named_captioner import NamedCaptioner
from earshot.models.two_tower import TwoTower
from earshot.synth import SOUNDS, SceneConfig, make_scenes, render_sound
from earshot.synth.invented import InventedConfig, invented_clips
from sounds import PLAIN, RATE, Hearing

N_MIXES, N_SCENES, N_UNKNOWN = 100, 100, 30
SETS = {"esc10": "environmental sounds", "instruments": "instruments", "digits": "spoken digits",
        "speech": "speech in nine languages"}  # fmt: skip


@dataclass(frozen=True)
class TestSet:
    """Scenes of one sort, and whose ears may hear them."""

    name: str
    scenes: list[Scene]
    unheard: bool  # by the ears that had not heard these recordings


def alone(piece: Piece) -> Scene:
    """A recording as it is, its first ten seconds."""
    mel = piece.mels[PLAIN if len(piece.mels) > 1 else 0][:, :MOST]
    return Scene(mel, ((piece.kind, 0, mel.shape[1]),), "single", True)


def test_sets(pieces: Sequence[Piece], split: str) -> Iterator[TestSet]:
    """Recordings alone and mixed, renderings alone and in scenes, and sounds without a name."""
    mine = [piece for piece in pieces if piece.split == split and piece.origin in SETS]
    for origin, name in SETS.items():
        yield TestSet(name, [alone(p) for p in mine if p.origin == origin][:120], True)
    mixer, mixes, number = Mixer(mine, edge_bands()), list[Scene](), 0
    while len(mixes) < N_MIXES:
        drawn = mixer.scene(generator(SEEDS[split], number, "mix"), dict.fromkeys(SETS, 1.0))
        number += 1
        if drawn.relation in ("then", "while"):
            mixes.append(drawn)
    yield TestSet("two recordings, one after the other or at once", mixes, True)
    hearing, seed = Hearing(), SEEDS[split] + 77

    def mel(waveform: np.ndarray, rate: int) -> np.ndarray:
        return hearing.log_mel(resample(waveform, rate, RATE))[:, :MOST]

    singles = []
    for kind in SOUNDS:
        made = mel(render_sound(kind, seed=seed), 16_000)
        singles.append(Scene(made, ((kind, 0, made.shape[1]),), "single", False))
    yield TestSet("procedural sounds of 131 kinds", singles, False)
    config = SceneConfig(
        duration_s=6.0, relations={"then": 0.5, "while": 0.5}, attribute_rate=0.0, n_captions=1
    )
    scenes = [
        Scene(
            mel(each.waveform, each.sample_rate),
            tuple((e.kind, int(100 * e.onset_s), int(100 * e.offset_s)) for e in each.events),
            each.relation, False,
        )
        for each in make_scenes(N_SCENES, seed, config)
    ]  # fmt: skip
    yield TestSet("procedural scenes of two sounds", scenes, False)
    clips = [clip.read() for clip in invented_clips(seed, InventedConfig())[:N_UNKNOWN]]
    nameless = [Scene(mel(c.waveform, c.sample_rate), (), "unknown", False) for c in clips]
    yield TestSet("invented sounds, which have no name", nameless, False)


def tested(
    model: NamedCaptioner, sets: Sequence[TestSet], ears: TwoTower, unheard: TwoTower,
    decoding: DecodingConfig,
) -> tuple[dict[str, Any], list[dict[str, str]]]:  # fmt: skip
    """Figures by set, and every caption with what there is to hear."""
    found, rows = {}, []
    for each in sets:
        mels = [scene.log_mel for scene in each.scenes]
        with torch.inference_mode():
            embeddings = heard(unheard if each.unheard else ears, mels, exact=True)
        captions = captions_for(model, embeddings, decoding)
        gold = [gold_of(scene.events) for scene in each.scenes]
        relations = [scene.relation for scene in each.scenes]
        found[each.name] = figures(captions, gold, relations)
        for scene, caption in zip(each.scenes, captions, strict=True):
            tie = {"then": ", then ", "while": " with "}.get(scene.relation, ", ")
            truth = tie.join(kind for kind, _, _ in scene.events)
            rows.append({"set": each.name, "truth": truth, "caption": caption})
    return found, rows
