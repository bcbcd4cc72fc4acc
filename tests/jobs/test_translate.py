from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earshot.audio import write_audio
from earshot.core.checkpoint import save_checkpoint
from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.jobs.translate import load_translator, translate
from earshot.recipes import ctc_ot
from recipes.tiny_ctc_ot import tiny_config, tiny_sound_config, write_letters


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run on files of tones, which lie beside it."""
    folder = tmp_path_factory.mktemp("translate")
    manifest = write_letters(folder / "sounds")
    ctc_ot.run(tiny_sound_config(steps=60), open_clips(manifest), folder / "run")
    return folder / "run"


def test_each_file_has_a_text_whatever_its_mates(run: Path) -> None:
    sounds = run.parent / "sounds"
    together = translate(sounds, model=run)
    assert len(together) == 24
    assert {each.language for each in together} == {"en"}
    assert any(each.text for each in together)
    assert not together.failures
    [alone] = translate(sounds / "05.wav", model=run)
    assert alone == together[5]
    assert alone.duration_s == pytest.approx(np.ceil(alone.duration_s * 4) / 4)


def test_a_long_sound_is_heard_window_by_window(run: Path, tmp_path: Path) -> None:
    translator = load_translator(run, n_beams=1)
    assert (translator.window_s, translator.sample_rate) == (2.0, 8_000)
    rng = np.random.default_rng(0)
    parts = [0.3 * np.sin(np.arange(16_000) * rng.uniform(0.3, 1.2)) for _ in range(3)]
    write_audio(tmp_path / "long.wav", np.concatenate(parts), 8_000, subtype="FLOAT")
    texts = [translator.write(part.astype(np.float32)) for part in parts]
    whole = translator.translate(tmp_path / "long.wav")
    assert whole.text == " ".join(filter(None, texts))
    assert whole.duration_s == 6.0


def test_short_and_silent_sounds_are_heard_too(run: Path, tmp_path: Path) -> None:
    write_audio(tmp_path / "one.wav", np.array([0.1]), 8_000)
    write_audio(tmp_path / "still.wav", np.zeros(4_000), 8_000)
    answers = translate([tmp_path / "one.wav", tmp_path / "still.wav"], model=run)
    assert [each.duration_s for each in answers] == [1 / 8_000, 0.5]
    assert not answers.failures


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(run: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_text("no sound")
    files = [tmp_path / "bad.wav", run.parent / "sounds" / "00.wav", tmp_path / "none.wav"]
    answers = translate(files, model=run)
    assert [each.path for each in answers] == [files[1]]
    assert [each.path for each in answers.failures] == [files[0], files[2]]


def test_models_that_cannot_translate_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="--to de .* writes 'en'"):
        load_translator(run, to="de")
    with pytest.raises(EarShotError, match="device 'nothing'"):
        load_translator(run, device="nothing")
    with pytest.raises(EarShotError, match=r"has no earshot\.json"):
        load_translator(tmp_path)
    config = tiny_config()
    words = {"vocabularies": {"language": "en"}}
    save_checkpoint(tmp_path / "toy", "ctc_ot", config, ctc_ot.build(config), words)
    with pytest.raises(EarShotError, match="frames of a toy language"):
        load_translator(tmp_path / "toy")
    save_checkpoint(tmp_path / "other", "clap", config, ctc_ot.build(config))
    with pytest.raises(EarShotError, match="a model that translates speech"):
        load_translator(tmp_path / "other")
    sound = tiny_sound_config()
    wider = replace(sound, speech=replace(sound.speech, conv_dim=64))
    save_checkpoint(tmp_path / "mixed", "ctc_ot", sound, ctc_ot.build(wider), words)
    with pytest.raises(EarShotError, match=r"mixed with .* of shape .* its config asks for"):
        load_translator(tmp_path / "mixed")
