from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, Clip, ClipSet
from earshot.data.rewritten import COLUMN, RewriteDraws, shuffled_rewrites, stored_rewrites

CAPTIONS = {"a dog": ("a yap", "a woof", "a short bark"), "a siren": ("a wail",), "rain": ()}


def tone(pitch_hz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * pitch_hz * np.arange(4_000) / 16_000)).astype(np.float32)


def clips() -> ClipSet:
    return ClipSet(
        [
            Clip(
                audio=Audio(tone(300 + 50 * i), 16_000),
                captions=(caption,),
                id=str(i),
                extra={COLUMN: list(CAPTIONS[caption])},
            )
            for i, caption in enumerate(list(CAPTIONS) * 4)
        ]
    )


def draws_of(probability: float, seed: int = 0) -> RewriteDraws:
    loader = BatchLoader(clips(), batch_size=6, sample_rate=16_000, workers=0, seed=1)
    rewrites = {caption: texts for caption, texts in CAPTIONS.items() if texts}
    return RewriteDraws(loader.batches, rewrites, probability=probability, seed=seed)


def test_the_draw_is_forty_to_sixty_and_even_among_rewrites() -> None:
    draws = draws_of(0.6)
    n = 6_000
    said = Counter(draws.draw("a dog", step, "clip") for step in range(n))
    assert said.pop("a dog") / n == pytest.approx(0.4, abs=0.02)  # 3 standard errors
    assert set(said) == set(CAPTIONS["a dog"])
    for count in said.values():
        assert count / n == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_never_and_always(probability: float) -> None:
    draws = draws_of(probability)
    said = {draws.draw("a dog", step, "clip") for step in range(60)}
    assert said == ({"a dog"} if probability == 0 else set(CAPTIONS["a dog"]))
    assert draws.draw("rain", 0, "clip") == "rain"  # without rewrites it stands


def test_batches_keep_sounds_and_are_the_same_when_resumed() -> None:
    draws, steps = draws_of(0.6), 4
    source = draws.batches()
    whole = [next(source) for _ in range(steps)]
    source.close()
    for batch in whole:
        for caption, clip in zip(batch.captions, batch.clips, strict=True):
            assert caption in (clip.captions[0], *CAPTIONS[clip.captions[0]])
    resumed = draws_of(0.6).batches(2)
    assert [next(resumed).captions for _ in range(2)] == [b.captions for b in whole[2:]]
    resumed.close()
    others = draws_of(0.6, seed=1).batches()
    assert [next(others).captions for _ in range(steps)] != [b.captions for b in whole]
    others.close()


def test_a_clip_is_told_anew_at_each_visit() -> None:
    draws = draws_of(0.6)
    assert len({draws.draw("a dog", step, "clip") for step in range(30)}) == 4


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_impossible_shares_are_refused(probability: float) -> None:
    with pytest.raises(EarShotError, match=r"0\.6"):
        draws_of(probability)


def test_rewrites_come_from_the_manifest() -> None:
    assert stored_rewrites(clips()) == {
        "a dog": CAPTIONS["a dog"], "a siren": CAPTIONS["a siren"],
    }  # fmt: skip


def test_the_control_deals_the_same_rewrites_to_other_captions() -> None:
    rewrites = {f"caption {i}": (f"a {i}", f"b {i}") for i in range(40)}
    dealt = shuffled_rewrites(rewrites, 0)
    assert list(dealt) == list(rewrites)
    assert sorted(dealt.values()) == sorted(rewrites.values())
    assert sum(dealt[caption] == texts for caption, texts in rewrites.items()) < 5
    assert dealt == shuffled_rewrites(rewrites, 0) != shuffled_rewrites(rewrites, 1)


def test_a_table_brings_python_s_lists(tmp_path: Path) -> None:
    from earshot.audio import write_audio
    from earshot.data import open_clips

    write_audio(tmp_path / "a.wav", tone(300), 16_000)
    (tmp_path / "clips.csv").write_text(
        "path,caption,rewritten_captions\n"
        'a.wav,a dog,"[\'a yap\', ""a dog\'s woof""]"\n'
        "a.wav,a cat,[]\na.wav,a cow,\"['Error']\"\na.wav,a pig,\"__import__('os')\"\n"
    )
    found = stored_rewrites(list(open_clips(tmp_path / "clips.csv")))
    assert found == {"a dog": ("a yap", "a dog's woof")}
