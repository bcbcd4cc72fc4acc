from __future__ import annotations

import json
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.jobs.evaluate import evaluate
from toy_embedder import TONES, ToyEmbedder, write_tones


def manifest(folder: Path, rows: list[dict]) -> Path:
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    write_tones(tmp_path, {f"{word}.wav": (word,) for word in TONES})
    return tmp_path


def test_zero_shot(sounds: Path) -> None:
    rows = [{"path": f"{word}.wav", "label": word} for word in TONES]
    rows[4]["label"] = "dog"  # a car that the data calls a dog
    result = evaluate("zero-shot", manifest(sounds, rows), model=ToyEmbedder())
    assert (result.task, result.n, result.fingerprint) == (
        "zero-shot",
        5,
        ToyEmbedder().fingerprint,
    )
    assert result.metrics["accuracy"] == 0.8
    low, high = result.intervals["accuracy"]
    assert low < 0.8 < high
    assert result.details["per_class"] == {"bell": 1, "cat": 1, "dog": 0.5, "rain": 1}
    wider = evaluate(
        "zero-shot", sounds / "manifest.jsonl", model=ToyEmbedder(), labels=list(TONES)
    )
    assert wider.metrics["accuracy"] == 0.8
    assert wider.details["confusion"][0] == [1, 0, 0, 0, 1]


def test_several_labels_a_clip(sounds: Path) -> None:
    write_tones(sounds, {"both.wav": ("dog", "cat")})
    rows = [{"path": f"{word}.wav", "label": [word]} for word in TONES]
    rows.append({"path": "both.wav", "label": ["dog", "cat"]})
    result = evaluate("zero-shot", manifest(sounds, rows), model=ToyEmbedder())
    assert result.metrics == pytest.approx({"mAP": 1, "AUC": 1, "n_labels_scored": 5})


def test_retrieval(sounds: Path) -> None:
    rows = [
        {"path": f"{word}.wav", "caption": f"{way} {word}"}
        for word in TONES
        for way in ("a", "the", "one more")
    ]
    result = evaluate("retrieval", manifest(sounds, rows), model=ToyEmbedder())
    assert result.n == 5
    assert result.details["n_captions"] == 15
    for direction in ("text_to_audio", "audio_to_text"):
        assert result.metrics[f"{direction}/R@1"] == 1
        assert result.metrics[f"{direction}/mAP@10"] == 1
        assert result.metrics[f"{direction}/median_rank"] == 1


def test_excerpts_are_cut(sounds: Path) -> None:
    write_tones(sounds, {"both.wav": ("dog", "cat")})
    rows = [
        {"path": "both.wav", "label": "dog", "start_s": 0.0, "duration_s": 1.0, "id": "first"},
        {"path": "both.wav", "label": "cat", "start_s": 1.0, "duration_s": 1.0, "id": "second"},
    ]
    assert (
        evaluate("zero-shot", manifest(sounds, rows), model=ToyEmbedder()).metrics["accuracy"] == 1
    )


def test_sounds_that_cannot_be_read_are_listed_not_guessed(sounds: Path) -> None:
    (sounds / "car.wav").write_text("no sound")
    rows = [{"path": f"{word}.wav", "label": word} for word in TONES]
    result = evaluate("zero-shot", manifest(sounds, rows), model=ToyEmbedder())
    assert result.n == 4
    assert [failure.path.name for failure in result.failures] == ["car.wav"]


def test_faults_say_what_to_do(sounds: Path) -> None:
    labelled = manifest(sounds, [{"path": "dog.wav", "label": "dog"}])
    with pytest.raises(EarShotError, match="no clip has captions"):
        evaluate("retrieval", labelled, model=ToyEmbedder())
    with pytest.raises(EarShotError, match="Add it to --labels"):
        evaluate("zero-shot", labelled, model=ToyEmbedder(), labels=["cat"])
    with pytest.raises(EarShotError, match="zero-shot"):
        evaluate("zero_shot", labelled, model=ToyEmbedder())
    (sounds / "dog.wav").write_text("no sound")
    with pytest.raises(EarShotError, match="no sound could be used"):
        evaluate("zero-shot", labelled, model=ToyEmbedder())
