from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from earshot.audio import write_audio
from earshot.core.checkpoint import read_checkpoint, save_checkpoint
from earshot.core.errors import EarShotError
from earshot.jobs.understanding import load_understanding
from earshot.recipes import coconut
from earshot.synth.spoken_words import word_clips
from earshot.training.understanding import listen
from recipes.tiny_coconut import tiny_config


def test_a_run_s_folder_understands_files(tmp_path: Path) -> None:
    config = tiny_config(steps=8)
    coconut.run(config, None, tmp_path / "run")
    model = load_understanding(tmp_path / "run")
    test = word_clips(0, config.toy).split("test")[:6]
    files = []
    for clip in test:
        files.append(tmp_path / f"{clip.id}.wav")
        write_audio(files[-1], clip.audio.waveform, 8_000, subtype="FLOAT")
    for n_beams in (1, 3):
        heard = model.understand(files, n_beams=n_beams)
        assert heard == model.understand([clip.audio for clip in test], n_beams=n_beams)
        expected = {}
        for batch, states in listen(model.model, test, 7.0):  # all in one batch
            rows = model.model.writer.write(states, n_beams=n_beams)
            said = [model.vocabulary.read(row) for row in rows]
            expected |= dict(zip([clip.id for clip in batch.clips], said, strict=True))
        assert heard == [expected[clip.id] for clip in test]
    assert any(each.intent is not None for each in heard)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    config = tiny_config()
    config = coconut.with_vocabulary(config, 30)
    save_checkpoint(tmp_path / "untold", "coconut", config, coconut.build(config))
    with pytest.raises(EarShotError, match="a model that writes intents"):
        load_understanding(tmp_path / "untold")
    with pytest.raises(EarShotError, match="has no earshot.json"):
        load_understanding(tmp_path)
    vocabulary = coconut.learn_vocabulary(word_clips(0, config.toy), config).to_dict()
    other = coconut.build(replace(config, model=replace(config.model, contrast_dim=7)))
    save_checkpoint(tmp_path / "mixed", "coconut", config, other, {"vocabulary": vocabulary})
    assert read_checkpoint(tmp_path / "mixed").recipe == "coconut"
    with pytest.raises(EarShotError, match="tensors of the shapes that its config asks for"):
        load_understanding(tmp_path / "mixed")
