"""`earshot evaluate compa`: CompA's released tables, on a CLAP that others trained."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from soundfile import read
from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel
from typer.testing import CliRunner, Result

from earshot.audio import write_audio
from earshot.cli.main import app
from earshot.core.errors import EarShotError
from published import clap_directory, clip

RATE = 48_000  # Hz, that of the published models
PAIR = "pair_caption,reversed_pair_caption,pair_file,reversed_pair_file"
ORDER = (
    f"{PAIR},triplet_caption,triplet_file",
    "a dog barks before rain falls,rain falls before a dog barks,a.wav,b.wav,,",
    '"glass, then a dog","a dog, then glass",c.wav,d.wav,a dog amidst glass,e.wav',
    "one two three,three two one,b.wav,e.wav,,",
)
ATTRIBUTE = (
    f"{PAIR},pair_file.1,reversed_pair_file.1",
    "a loud dog and soft rain,a soft dog and loud rain,a.wav,c.wav,a.wav,c.wav",
    "rain falls on a roof,a roof falls on rain,d.wav,b.wav,none.wav,none.wav",
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ClapModel]:
    folder = tmp_path_factory.mktemp("clap")
    return folder, clap_directory(folder, fused=False)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "audio"
    folder.mkdir()
    for seed, name in enumerate("abcde"):
        write_audio(folder / f"{name}.wav", clip(6 * RATE, seed), RATE)
    return folder


def table(folder: Path, name: str, lines: tuple[str, ...]) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def compa(path: Path, sounds: Path, model: Path, *more: str) -> Result:
    words = ["--data", str(path), "--audio", str(sounds), "--model", str(model), *more]
    return CliRunner().invoke(app, ["evaluate", "compa", *words], catch_exceptions=True)


def similarity(
    published: tuple[Path, ClapModel], sounds: Path, captions: list[str], files: list[str]
) -> np.ndarray:
    """[captions, sounds]: cosines by `transformers` alone."""
    folder, model = published
    heard = [read(sounds / file, dtype="float32")[0] for file in files]
    extract = ClapFeatureExtractor.from_pretrained(folder)
    seen = extract(heard, sampling_rate=RATE, return_tensors="pt")
    words = AutoTokenizer.from_pretrained(folder)(captions, padding=True, return_tensors="pt")
    with torch.inference_mode():
        audio = model.audio_projection(model.audio_model(**seen).pooler_output)
        told = model.text_projection(model.text_model(**words).pooler_output)
    return (F.normalize(told) @ F.normalize(audio).T).numpy()


def solved(s: np.ndarray) -> tuple[bool, bool, bool]:
    """Text, audio and group, as the paper writes them out for two."""
    text = s[0, 0] > s[1, 0] and s[1, 1] > s[0, 1]
    audio = s[0, 0] > s[0, 1] and s[1, 1] > s[1, 0]
    return text, audio, text and audio


@pytest.mark.parametrize(
    ("name", "lines"), [("CompA_order.csv", ORDER), ("CompA_attribute.csv", ATTRIBUTE)]
)
def test_a_table_as_released_on_a_clap_of_transformers(
    name: str, lines: tuple[str, ...], published: tuple[Path, ClapModel], sounds: Path
) -> None:
    """Scores are those that `transformers` alone comes to, for order and for attributes."""
    path = table(sounds.parent, name, lines)
    result = compa(path, sounds, published[0], "--json")
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout.strip().splitlines()[-1])
    assert (row["task"], row["data"], row["n"]) == ("twins", path.stem, len(lines) - 1)
    with path.open() as file:
        items = list(csv.DictReader(file))
    wanted = [
        solved(
            similarity(
                published,
                sounds,
                [item["pair_caption"], item["reversed_pair_caption"]],
                [item["pair_file"], item["reversed_pair_file"]],
            )
        )
        for item in items
    ]
    text, audio, group = np.mean(wanted, axis=0)
    metrics = row["metrics"]
    assert {n: metrics[n] for n in ("text", "audio", "group")} == pytest.approx(
        {"text": text, "audio": audio, "group": group}
    )
    triples = {"triple_text", "triple_audio", "triple_group"}
    assert triples <= metrics.keys() if lines is ORDER else not triples & metrics.keys()
    assert row["chance"]["group"] == pytest.approx(1 / 6)
    assert row["n_triples"] == (lines is ORDER)


def test_people_see_scores_with_intervals_and_what_was_left_out(
    published: tuple[Path, ClapModel], sounds: Path
) -> None:
    path = table(sounds.parent, "order.csv", (*ORDER, "a dog,rain,a.wav,gone.wav,,"))
    result = compa(path, sounds, published[0])
    assert result.exit_code == 2
    assert "twins on order: 3 pairs" in result.stdout
    for figure in ("text", "audio", "group", "triple_text"):
        assert any(line.split()[:1] == [figure] for line in result.stdout.splitlines())
    assert "line 5, field 'reversed_pair_file'" in result.output


def test_what_is_no_table_is_a_sentence(published: tuple[Path, ClapModel], sounds: Path) -> None:
    other = table(sounds.parent, "other.csv", ("path,caption", "a.wav,a dog"))
    result = compa(other, sounds, published[0])
    assert isinstance(result.exception, EarShotError)
    assert "reversed_pair_file" in str(result.exception)
