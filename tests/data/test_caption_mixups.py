from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.audio.level_mixing import MixLevels, draw_mixture
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data import Clip, ClipSet
from earshot.data.caption_mixups import (
    MixupConfig,
    combine_captions,
    draw_pairs,
    mix_clips,
    mixed_clips,
    read_mixups,
)
from earshot.data.captioned import plain_captions
from earshot.text.combining import RuleCombiner

LEVELS = MixLevels(level_db=(0.0, 0.0))


def clips_of(n: int = 5, seconds: float = 0.1) -> ClipSet:
    rng = np.random.default_rng(0)
    sounds = (0.1 * rng.standard_normal((n, round(8_000 * seconds)))).astype(np.float32)
    return ClipSet(
        Clip(Audio(sound, 8_000), captions=(f"Sound {i} here.", f"Noise {i}"), labels=(f"l{i}",),
             id=f"c{i}", split="train")
        for i, sound in enumerate(sounds)
    )  # fmt: skip


def test_pairs_are_of_different_recordings_none_twice_and_all_alike() -> None:
    pairs = draw_pairs(clips_of(), 10, 0)
    assert len({frozenset((a.id, b.id)) for a, b in pairs}) == 10  # all there are
    counts = Counter(clip.id for pair in pairs for clip in pair)
    assert set(counts.values()) == {4}
    assert len(draw_pairs(clips_of(), 25, 0)) == 25
    assert [(a.id, b.id) for a, b in draw_pairs(clips_of(), 4, 0)] == [
        (a.id, b.id) for a, b in pairs[:4]
    ]
    grouped = [replace(clip, group="one" if i < 4 else "two") for i, clip in enumerate(clips_of())]
    assert all("c4" in (a.id, b.id) for a, b in draw_pairs(grouped, 4, 0))
    with pytest.raises(EarShotError, match="at least two"):
        draw_pairs([replace(clip, group="one") for clip in clips_of()], 1, 0)


def test_a_mixed_clip_sounds_and_reads_as_its_key_says() -> None:
    clips = clips_of()
    config = MixupConfig(n_pairs=3, n_each=2, levels=LEVELS)
    mixed = mix_clips(clips, RuleCombiner(), config, sample_rate=8_000, seed=7)
    assert len(mixed) == 6
    assert len({clip.id for clip in mixed}) == 6
    one = mixed[1]
    a, b = (clips[int(name[1])] for name in one.extra["mixed"])
    assert one.id == f"{a.id}+{b.id}#1"
    assert one.labels == tuple(sorted(a.labels + b.labels))
    assert all(f" {name[1]}" in one.captions[0] for name in one.extra["mixed"])
    drawn = draw_mixture(a.audio.waveform, b.audio.waveform, LEVELS,
                         generator(7, "mixture", one.id))  # fmt: skip
    expected = drawn / max(1.0, np.abs(drawn).max())
    assert np.allclose(one.read(sample_rate=8_000).waveform, expected, atol=1e-6)
    assert one.known_duration_s == pytest.approx(0.1)
    other = mix_clips(clips, RuleCombiner(), config, sample_rate=8_000, seed=8)
    assert {clip.id for clip in other} != {clip.id for clip in mixed}


def test_refused_sentences_keep_their_numbers() -> None:
    pairs = draw_pairs(clips_of(), 2, 0)
    all_of_them = combine_captions(pairs, RuleCombiner(), n_each=4)
    kept = combine_captions(
        pairs, RuleCombiner(), n_each=4, is_fluent=lambda text: " and " not in text
    )
    assert 0 < len(kept) < len(all_of_them)
    said = {each.key: each.caption for each in all_of_them}
    assert all(said[each.key] == each.caption for each in kept)
    silent = [(replace(a, captions=()), b) for a, b in pairs]
    assert combine_captions(silent, RuleCombiner()) == []


def write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value))
    return path


ROWS = [
    {"prompt": "x", "selected_pair": ["a", "b"], "audio_files": ["a.wav", "b.wav"],
     "chatgpt_mixups": ["One. ", "Two", "Three"]},
    {"selected_pair": [3, 4], "audio_files": ["3.wav", "4.wav"], "chatgpt_mixups": ["Four"]},
]  # fmt: skip


def test_the_released_table_is_read_by_pair_and_number(tmp_path: Path) -> None:
    table = write(tmp_path / "mixups.json", {"dataset": ROWS})
    rejects = write(tmp_path / "rejects.json", [{"idx": [0, 1], "why": "x"}])
    assert len(read_mixups(table)) == 4
    found = read_mixups(table, rejects)
    assert [(each.key, each.caption) for each in found] == [
        ("a+b#0", "One."), ("a+b#2", "Three"), ("3+4#0", "Four"),
    ]  # fmt: skip
    assert found[1].files == ("a.wav", "b.wav")
    sounds = {name: clip for name, clip in zip("ab34", clips_of(), strict=False)}
    assert [clip.id for clip in mixed_clips(found, sounds, LEVELS, sample_rate=8_000)] == [
        each.key for each in found
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "no list 'dataset'"),
        ({"dataset": [{}]}, "without a list 'selected_pair'"),
        ({"dataset": [{**ROWS[0], "selected_pair": ["a"]}]}, "with 1 clips and 2 files"),
        ({"dataset": [ROWS[0], ROWS[0]]}, "twice, the second time as 1"),
        ({"dataset": [{**ROWS[0], "chatgpt_mixups": [None]}]}, "'chatgpt_mixups'"),
    ],
)
def test_other_tables_are_refused(value: object, said: str, tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match=said):
        read_mixups(write(tmp_path / "mixups.json", value))


def test_other_faults_are_told(tmp_path: Path) -> None:
    table = write(tmp_path / "mixups.json", {"dataset": ROWS})
    with pytest.raises(EarShotError, match="rejects mixup 9 of entry 0"):
        read_mixups(table, write(tmp_path / "a.json", [{"idx": [0, 9]}]))
    for wrong in ({"idx": [0, 1]}, [{"idx": [True, 1]}], [3]):
        with pytest.raises(EarShotError, match="list of rejects"):
            read_mixups(table, write(tmp_path / "b.json", wrong))
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(EarShotError, match="a JSON file"):
        read_mixups(tmp_path / "c.json")
    with pytest.raises(EarShotError, match="not among 0 clips"):
        mixed_clips(read_mixups(table), {}, LEVELS, sample_rate=8_000)
    with pytest.raises(EarShotError, match="mixups=none"):
        MixupConfig(n_pairs=0)


def test_plain_captions_leave_short_ones_out_where_there_are_others() -> None:
    one = replace(clips_of(1)[0], captions=("A Dog!", "A dog barks, twice.", "a dog barks twice"))
    assert plain_captions(ClipSet([one]), 3)[0].captions == ("a dog barks twice",)
    assert plain_captions(ClipSet([one]), 9)[0].captions == ("a dog", "a dog barks twice")
