from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.data.spoken_stamps import held_out_captions, spoken_stamps, written_stamps
from earshot.training.translation_material import clip_material, stamps_material
from recipes.tiny_ctc_ot import tiny_sound_config, write_letters

SPEECH = tiny_sound_config().speech


def test_clips_keep_their_split_transcript_and_translation(tmp_path: Path) -> None:
    clips = open_clips(write_letters(tmp_path, 8))
    material = clip_material(
        clips, SPEECH, transcript="transcript", kind="characters", longest_s=2.0, seed=0
    )
    assert (len(material.texts), len(material.train), len(material.test)) == (0, 6, 2)
    clip, heard = clips[0], material.train[0]
    assert (heard.source, heard.target) == (clip.extra["transcript"], clip.captions[0])
    assert heard.frames is not None
    assert heard.frames.shape[0] == SPEECH.n_features
    short = clip_material(
        clips, SPEECH, transcript="transcript", kind="characters", longest_s=0.8, seed=0
    )
    assert len(short.train) + len(short.test) + len(short.faults) == 8
    assert short.faults
    assert all("longer than 0.8 s" in fault for fault in short.faults)


def test_no_text_of_training_holds_a_caption_of_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "stamps"
    write_letters(folder / "speech" / "es", 12)
    for path in (folder / "speech" / "es").glob("*.wav"):
        path.rename(path.with_suffix(".ogg"))  # the content decides
    lines = ["id,caption,text_en,text_es,text_fr"]
    lines += [f"{i:02d},The {i % 6} cat.,x,Ab {'abc'[i % 3]}!,Cd." for i in range(12)]
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    told = {"kind": "characters", "longest_s": 2.0, "held_out": 0.34, "n_test": 3}
    tests = set()
    for seed in range(4):
        material = stamps_material(["es"], SPEECH, seed=seed, **told)
        away = {each.target for each in material.test}
        kept = {each.target for each in [*material.train, *material.texts]}
        assert not away & kept
        assert len(kept) == 4
        assert (len(material.train), len(material.test), len(material.texts)) == (8, 3, 16)
        tests.add(frozenset(away))
    assert len(tests) > 1
    assert [each[0] for each in written_stamps(folder)[:2]] == ["es", "fr"]  # English is no source
    with pytest.raises(EarShotError, match="no speech in de"):
        spoken_stamps(folder, ["de"])


def test_a_share_of_captions_and_never_none() -> None:
    captions = [f"{i % 10}" for i in range(30)]
    assert len(held_out_captions(captions, 0.3, 0)) == 3
    assert len(held_out_captions(captions, 0.0, 0)) == 1
    assert held_out_captions(captions, 0.3, 0) == held_out_captions(captions[::-1], 0.3, 0)
