from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.models.caption_judge import CaptionJudge, load_beside, load_judge
from earshot.models.shipped import shipped_start
from earshot.models.small_clap import small_clap_config
from earshot.models.towers import build_two_tower

TEXTS = ["A dog barks.", "rain on a roof"]


def noise(n: int, rate: int = 16_000) -> Audio:
    return Audio(np.random.default_rng(n).normal(0, 0.1, n).astype(np.float32), rate)


@pytest.fixture(scope="module")
def own() -> CaptionJudge:
    torch.manual_seed(0)
    config = small_clap_config()
    return CaptionJudge("", build_two_tower(config), config=config)


def test_batch_mates_change_nothing_and_rates_are_the_judge_s(own: CaptionJudge) -> None:
    long, short = noise(60_000), noise(20_000)
    waveform = torch.zeros(2, 60_000)
    waveform[0] = torch.from_numpy(long.waveform)
    waveform[1, :20_000] = torch.from_numpy(short.waveform)
    waveform[1, 20_000:] = 9.0  # padding that is not silence
    n_samples = torch.tensor([60_000, 20_000])
    found = own.closeness(waveform, n_samples, 16_000, [TEXTS, TEXTS[:1]])
    assert [len(each) for each in found] == [2, 1]
    texts = own.model.embed_text([text.lower().rstrip(".") for text in TEXTS])
    for row, sound in zip(found, (long, short), strict=True):
        alone = own.model.embed_audio(
            torch.from_numpy(sound.waveform)[None], torch.tensor([len(sound.waveform)])
        )
        torch.testing.assert_close(row, (texts @ alone[0]).detach()[: len(row)])
    slow = Audio(noise(30_000).waveform, 8_000)
    assert own.hear(slow).shape == (64,)


def test_only_the_first_window_is_heard(own: CaptionJudge) -> None:
    long = noise(100_000)
    first = Audio(long.waveform[:64_000], 16_000)
    torch.testing.assert_close(own.hear(long), own.hear(first))


def test_captions_are_read_plainly_or_as_they_are(own: CaptionJudge) -> None:
    assert torch.equal(own.read(["A dog, barks!"]), own.read(["a dog barks"]))
    asis = CaptionJudge("", own.model, plain=False, config=own.config)
    assert asis.facts != own.facts


def test_a_judge_lies_beside_a_run_or_is_named(own: CaptionJudge, tmp_path: Path) -> None:
    assert load_beside(tmp_path) is None
    own.save_beside(tmp_path)
    again = load_beside(tmp_path)
    assert again is not None
    torch.testing.assert_close(again.hear(noise(9_000)), own.hear(noise(9_000)))
    torch.testing.assert_close(again.read(TEXTS), own.read(TEXTS))
    named = load_judge("earshot-small", plain=False)
    named.save_beside(tmp_path / "named")
    found = load_beside(tmp_path / "named")
    assert found is not None
    assert (found.source, found.plain) == ("earshot-small", False)
    wanted = shipped_start().model.embed_text(TEXTS).detach()
    torch.testing.assert_close(found.read(TEXTS), wanted)
    (tmp_path / "judge.json").write_text('{"source": "/nowhere/clap", "plain": true}')
    assert load_beside(tmp_path) is None  # it is not here: captions are not refined


@pytest.mark.parametrize("written", ["{", "[]", '{"source": ""}'])
def test_a_damaged_judge_is_a_sentence(written: str, tmp_path: Path) -> None:
    (tmp_path / "judge.json").write_text(written)
    with pytest.raises(EarShotError, match="which cannot be read"):
        load_beside(tmp_path)


def test_a_judge_of_the_run_s_own_may_not_be_missing(own: CaptionJudge, tmp_path: Path) -> None:
    own.save_beside(tmp_path)
    (tmp_path / "judge" / "model.safetensors").unlink()
    with pytest.raises(EarShotError):
        load_beside(tmp_path)


@pytest.mark.parametrize("source", ["/nowhere/clap", "no-such-model"])
def test_no_judge_is_a_sentence(source: str) -> None:
    with pytest.raises(EarShotError, match="as a judge of captions"):
        load_judge(source)
