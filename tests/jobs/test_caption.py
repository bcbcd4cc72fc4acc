from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import earshot
from earshot.audio import read_audio, write_audio
from earshot.core.errors import EarShotError
from earshot.jobs import caption as job
from earshot.jobs.caption import Captioned, caption_each, load_writer
from earshot.jobs.each_file import Failure
from earshot.recipes import soft_hard_prompts
from recipes.tiny_soft_hard import tiny_config

RATE = 16_000


def write(path: Path, seconds: float, seed: int) -> Path:
    noise = np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)
    write_audio(path, noise, RATE)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captioner") / "run"
    soft_hard_prompts.run(tiny_config(), None, folder)
    return folder


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for i, seconds in enumerate((1.0, 9.0, 3.0)):
        write(folder / f"{i}.wav", seconds, i)
    return folder


def test_every_window_has_a_caption_and_its_times(run: Path, sounds: Path) -> None:
    found = earshot.caption(sounds, model=run, n_beams=2, max_tokens=6)
    assert [Path(each.path).name for each in found] == ["0.wav", "1.wav", "2.wav"]
    assert not found.failures
    times = [[(w.start_s, w.end_s) for w in each.windows] for each in found]
    assert times == [[(0, 1)], [(0, 4), (4, 8), (8, 9)], [(0, 3)]]
    assert found[1].duration_s == 9
    assert all(w.caption and w.score < 0 for each in found for w in each.windows)
    assert found == earshot.caption(sounds, model=run, n_beams=2, max_tokens=6)


def test_candidates_are_drawn_or_of_several_widths(run: Path, sounds: Path) -> None:
    """The surest of widths 2 and 3 is as sure as either; what it cannot judge is refused."""
    one, two, both = (
        earshot.caption(sounds / "0.wav", model=run, max_tokens=6, **how)[0].windows[0]
        for how in ({"n_beams": 2}, {"n_beams": 3}, {"n_beams": 3, "rerank": "likelihood"})
    )
    assert both.score == pytest.approx(max(one.score, two.score), abs=1e-5)
    drawn = load_writer(run, n_samples=3, temperature=2.0, max_tokens=6)
    assert [each.kind for each in drawn.plan.decodings] == ["nucleus"]
    assert all(each.caption for each in caption_each([sounds], drawn))  # type: ignore[union-attr]
    with pytest.raises(EarShotError, match="without that judge"):
        load_writer(run, rerank="encoder")


def test_the_clap_it_hears_with_may_choose(run: Path, sounds: Path) -> None:
    drawn = load_writer(run, n_samples=4, temperature=3.0, max_tokens=6)
    judged = replace(drawn, plan=replace(drawn.plan, rerank="clap"))
    sound = torch.from_numpy(read_audio(sounds / "0.wav", sample_rate=16_000).waveform)[None]
    n_samples = torch.tensor([sound.shape[1]])
    found = judged.model.chosen(sound, n_samples, judged.plan)[0]
    model = judged.model
    [close] = model.closeness(sound, n_samples, [[each.text for each in found]], "clap")
    assert len(found) > 1
    assert close.argmax() == 0  # the closest stands first


def test_a_detector_of_errors_may_refuse(run: Path) -> None:
    writer = load_writer(run)
    assert writer.is_fluent("a dog dog")
    strict = replace(
        writer, fluency=lambda texts: np.array([0.95 if "dog dog" in t else 0.9 for t in texts])
    )
    assert [strict.is_fluent(text) for text in ("a dog dog", "a dog")] == [False, True]
    assert strict.fingerprint != writer.fingerprint


def test_the_size_of_batches_changes_nothing(
    run: Path, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = load_writer(run, n_beams=2, max_tokens=6)
    whole = list(caption_each([sounds], writer))
    monkeypatch.setattr(job, "BATCH", 1)
    for one, other in zip(caption_each([sounds], writer), whole, strict=True):
        assert isinstance(one, Captioned)
        assert isinstance(other, Captioned)
        assert [w.caption for w in one.windows] == [w.caption for w in other.windows]
        scores = [w.score for w in one.windows]
        assert scores == pytest.approx([w.score for w in other.windows], abs=1e-5)


def test_what_cannot_be_read_is_told_in_its_place(run: Path, sounds: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    files = [sounds / "0.wav", bad, tmp_path / "none.wav", sounds / "1.wav"]
    found = list(caption_each(files, load_writer(run, n_beams=1, max_tokens=4)))
    assert [isinstance(each, Failure) for each in found] == [False, True, True, False]
    assert [each.path for each in found] == files
    answers = earshot.caption(files, model=run, n_beams=1, max_tokens=4)
    assert (len(answers), len(answers.failures)) == (2, 2)


def test_memory_is_that_of_a_batch_of_windows(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = write(tmp_path / "long.wav", 60.0, 0)
    writer, held = load_writer(run, n_beams=1, max_tokens=2), []
    monkeypatch.setattr(
        type(writer), "write",
        lambda self, windows: held.append(len(windows)) or [job_candidate() for _ in windows],
    )  # fmt: skip
    [answer] = caption_each([long], writer)
    assert isinstance(answer, Captioned)
    assert len(answer.windows) == 15
    assert held == [job.BATCH, 7]


def job_candidate() -> object:
    from earshot.decoders.decoding import Candidate

    return Candidate("a dog barks", -1.0)


def test_a_caption_does_not_say_the_same_twice_in_a_row() -> None:
    said = ("a dog", "a dog", "", "rain", "a dog")
    windows = tuple(job.CaptionedWindow(i, i + 1, text, -1.0) for i, text in enumerate(said))
    assert Captioned("x.wav", windows, 5.0).caption == "a dog / rain / a dog"


def test_the_fingerprint_tells_one_way_from_another(run: Path) -> None:
    one = load_writer(run, n_beams=1).fingerprint
    assert load_writer(run, n_beams=1).fingerprint == one
    assert load_writer(run, n_beams=2).fingerprint != one


def test_faults_are_sentences(run: Path, tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="no run's folder; .* earshot-captioner, or train one"):
        load_writer(tmp_path)
    with pytest.raises(EarShotError, match="a model that captions sound"):
        load_writer(Path(earshot.__file__).parent / "weights" / "earshot-small")
    with pytest.raises(EarShotError, match="a device that torch finds"):
        load_writer(run, device="nowhere")
    (run / "tokenizer" / "tokenizer.json").rename(tmp_path / "tokenizer.json")
    try:
        with pytest.raises(EarShotError, match="tokenizer"):
            load_writer(run)
    finally:
        (tmp_path / "tokenizer.json").rename(run / "tokenizer" / "tokenizer.json")


def test_a_tokenizer_of_another_run_is_refused(run: Path) -> None:
    captioner = job.load_captioner(run)
    small = torch.nn.Embedding(9, 32)
    captioner.decoder.language_model.set_input_embeddings(small)
    with pytest.raises(EarShotError, match="at most 9"):
        captioner.load_beside(run)
