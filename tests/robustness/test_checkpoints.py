"""Checkpoints are data: damaged ones end in a sentence, and no code in them runs, at any door."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import random
import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.checkpoint import save_checkpoint
from earshot.core.errors import EarShotError
from earshot.jobs.loading import load
from earshot.recipes import clap
from earshot.text.pretrained import load_tokenizer
from earshot.training.fit import CHECKPOINTS, FitConfig
from earshot.training.run_state import checkpoints
from published import clap_directory
from recipes.tiny_clap import tiny_config
from robustness.command import earshot
from toy_embedder import write_tones
from training.toy_fit import toy_fit, toy_model

QUIET = settings(deadline=None, derandomize=True, max_examples=60)
CONFIG, WEIGHTS = "earshot.json", "model.safetensors"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of the smallest model there is, untrained."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    save_checkpoint(folder, "clap", tiny_config(), clap.build(tiny_config()))
    return folder


@pytest.fixture(scope="module")
def damaged(run_folder: Path) -> Path:
    """A copy of it to damage."""
    return shutil.copytree(run_folder, run_folder.parent / "damaged")


def check_sentence(sentence: str) -> None:
    assert sentence.startswith("got ")
    assert len(sentence) < 5_000


def loads_or_says_why(folder: Path) -> bool:
    """True when the model answers with unit rows; an EarShotError is the other way out."""
    try:
        rows = load(folder).embed_texts(["a dog", "rain"])
    except EarShotError as fault:
        check_sentence(str(fault))
        return False
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-3)
    return True


def test_the_whole_one_loads(run_folder: Path) -> None:
    assert loads_or_says_why(run_folder)


JUNK = [
    None,
    True,
    0,
    -1,
    3,
    10**9,
    10**30,
    -(10**9),
    0.0,
    1e308,
    float("nan"),
    "",
    "htsat",
    [],
    [7] * 9,
]
JUNK += [{}, {"a": {}}, {"strips": None}, "\ud800", [[[]]]]


def paths_of(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value stands inside nested ones."""
    pairs = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    below = [path for key, inner in pairs for path in paths_of(inner, (*above, key))]
    return [above, *below] if above else below


@QUIET
@given(draw=st.randoms(use_true_random=False), junk=st.sampled_from(JUNK))
def test_any_field_may_be_anything(
    run_folder: Path, damaged: Path, draw: random.Random, junk: Any
) -> None:
    facts = json.loads((run_folder / CONFIG).read_text())
    *above, last = draw.choice(paths_of(facts))
    inside = facts
    for key in above:
        inside = inside[key]
    inside[last] = copy.deepcopy(junk)
    (damaged / CONFIG).write_text(json.dumps(facts))
    loads_or_says_why(damaged)


@QUIET
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_any_bytes_may_be_the_description(damaged: Path, content: bytes) -> None:
    (damaged / CONFIG).write_bytes(content)
    assert not loads_or_says_why(damaged)


def test_descriptions_that_break_readers(run_folder: Path, damaged: Path) -> None:
    good = (run_folder / CONFIG).read_text()
    wrong = [
        good[: len(good) // 2],
        "[" * 100_000,
        '{"config":' * 50_000,
        good.replace('"format": 1', '"format": "one"'),
        good.replace('"format": 1', '"format": 99'),
        good.replace('"clap"', '["clap"]'),
        good.replace('"clap"', '"../clap"'),
        good.replace('"clap"', '"__init__"'),
        '{"recipe": "clap", "config": ' + "9" * 10_000 + "}",
        "null",
        "[]",
        '{"recipe": "clap", "config": {"model": {}}}',
    ]
    for text in wrong:
        (damaged / CONFIG).write_text(text)
        assert not loads_or_says_why(damaged), text[:80]


@pytest.mark.parametrize("field", ["dim", "depth", "vocab_size", "n_fft", "n_mels", "window_s"])
def test_sizes_out_of_this_world_are_never_allocated(
    run_folder: Path, damaged: Path, field: str
) -> None:
    good = json.loads((run_folder / CONFIG).read_text())
    places = [
        path for path in paths_of(good) if path[-1] == field and path[:2] == ("config", "model")
    ]
    assert places
    for path in places:
        for size in (10**6, 10**9, 2**62):
            facts = copy.deepcopy(good)
            inside = facts
            for key in path[:-1]:
                inside = inside[key]
            inside[field] = float(size) if field == "window_s" else size
            (damaged / CONFIG).write_text(json.dumps(facts))
            assert not loads_or_says_why(damaged), (path, size)


@QUIET
@given(draw=st.randoms(use_true_random=False), header=st.booleans())
def test_any_bits_of_the_weights_may_flip(
    run_folder: Path, damaged: Path, draw: random.Random, header: bool
) -> None:
    shutil.copy(run_folder / CONFIG, damaged)
    content = bytearray((run_folder / WEIGHTS).read_bytes())
    end = 8 + int.from_bytes(content[:8], "little") if header else len(content)
    for _ in range(draw.randint(1, 20)):
        content[draw.randrange(end)] ^= 1 << draw.randrange(8)
    (damaged / WEIGHTS).write_bytes(content)
    loads_or_says_why(damaged)


def test_weights_cut_short_or_with_lies_for_a_header(run_folder: Path, damaged: Path) -> None:
    shutil.copy(run_folder / CONFIG, damaged)
    good = (run_folder / WEIGHTS).read_bytes()
    length = int.from_bytes(good[:8], "little")
    wrong = [good[:cut] for cut in (0, 1, 7, 8, 9, 8 + length // 2, 8 + length, len(good) - 1)]
    wrong += [struct.pack("<Q", size) + good[8:] for size in (0, 1, 2**31, 2**32, 2**63, 2**64 - 1)]
    wrong += [good[:8] + b" " * length + good[8 + length :], good + b"more", b"[" * 5_000_000]
    for content in wrong:
        (damaged / WEIGHTS).write_bytes(content)
        assert not loads_or_says_why(damaged), content[:20]
    (damaged / WEIGHTS).unlink()
    assert not loads_or_says_why(damaged)
    (damaged / WEIGHTS).mkdir()
    assert not loads_or_says_why(damaged)
    (damaged / WEIGHTS).rmdir()
    shutil.copy(run_folder / WEIGHTS, damaged)


class Trap:
    """An object whose unpickling leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def bare(trap: Trap) -> bytes:
    return pickle.dumps({"state_dict": trap})


def zipped(trap: Trap) -> bytes:
    held = io.BytesIO()
    torch.save({"state_dict": {"audio_branch.x": torch.ones(1)}, "more": trap}, held)
    return held.getvalue()


def old_format(trap: Trap) -> bytes:
    held = io.BytesIO()
    torch.save({"a": torch.ones(1), "b": trap}, held, _use_new_zipfile_serialization=False)
    return held.getvalue()


def swapped(trap: Trap) -> bytes:
    """A sound torch file whose pickle was exchanged by hand."""
    held, out = io.BytesIO(), io.BytesIO()
    torch.save({"audio_branch.x": torch.ones(1)}, held)
    with zipfile.ZipFile(held) as good, zipfile.ZipFile(out, "w") as bad:
        for info in good.infolist():
            is_pickle = info.filename.endswith("data.pkl")
            bad.writestr(info, pickle.dumps(trap) if is_pickle else good.read(info))
    return out.getvalue()


KINDS: list[Callable[[Trap], bytes]] = [bare, zipped, old_format, swapped]


def hides(content: bytes, place: str, folder: Path) -> Path:
    """Put hostile bytes where a model of that kind has its weights; the --model to pass."""
    if place.startswith("file"):
        path = folder / f"model{place.removeprefix('file')}"
        path.write_bytes(content)
        return path
    if place == "run folder":
        save_checkpoint(folder, "clap", tiny_config(), clap.build(tiny_config()))
        (folder / WEIGHTS).write_bytes(content)
        return folder
    clap_directory(folder, fused=False)
    (folder / WEIGHTS).unlink()
    (folder / place).write_bytes(content)
    return folder


PLACES = ["file.pt", "file.pth", "file.ckpt", "file.bin", "file.safetensors", "file", "run folder"]
PLACES += ["pytorch_model.bin", "model.safetensors"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_pickle_with_code_is_refused_and_not_run(
    kind: Callable[[Trap], bytes], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_OFFLINE", "1")
    mark, folder = tmp_path / "mark", tmp_path / "model"
    folder.mkdir()
    model = hides(kind(Trap(mark)), place, folder)
    with pytest.raises(EarShotError):
        load(model).embed_texts(["a dog"])
    assert not mark.exists()
    if not place.endswith("safetensors"):  # that it would have run: the trap is a good one
        content = kind(Trap(mark))
        if kind is bare:
            pickle.loads(content)
        else:
            torch.load(io.BytesIO(content), weights_only=False)
        assert mark.is_dir()


DOORS = [
    ["index", "{sounds}"],
    ["search", "dog", "--dir", "{sounds}"],
    ["similar", "{sounds}/a.wav", "--dir", "{sounds}"],
    ["tag", "{sounds}", "--labels", "dog"],
    ["embed", "{sounds}", "--json"],
    ["evaluate", "zero-shot", "--data", "{sounds}/labels.csv"],
    ["check"],
]


@pytest.mark.parametrize("door", DOORS, ids=[door[0] for door in DOORS])
def test_every_door_refuses_it(
    door: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sounds, mark, model = tmp_path / "sounds", tmp_path / "mark", tmp_path / "model.pt"
    write_tones(sounds, {"a.wav": ("dog",)})
    (sounds / "labels.csv").write_text("path,label\na.wav,dog\n")
    (sounds / ".earshot").mkdir()
    model.write_bytes(zipped(Trap(mark)))
    words = [word.format(sounds=sounds) for word in door]
    words += [str(model)] if door == ["check"] else ["--model", str(model)]
    ran = earshot(*words, capsys=capsys)
    assert ran.status == 1
    assert "Nothing of it was run" in ran.err
    assert not mark.exists()


def test_a_tokenizer_that_brings_code_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: "y")  # whoever is asked says yes
    mark = tmp_path / "mark"
    (tmp_path / "theirs.py").write_text(f"import os\nos.mkdir({str(mark)!r})\nclass Mine: pass\n")
    facts = {"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": ["theirs.Mine", None]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(facts))
    with pytest.raises(EarShotError, match="custom code"):
        load_tokenizer(tmp_path, max_tokens=8)
    assert not mark.exists()


def test_tensors_that_repeat_themselves_are_refused(tmp_path: Path) -> None:
    wide = torch.ones(1).expand(10**6, 10**6)  # four bytes in the file, four terabytes in a model
    path = tmp_path / "wide.pt"
    torch.save({"state_dict": {"audio_branch.patch_embed.proj.weight": wide}}, path)
    assert path.stat().st_size < 10_000
    with pytest.raises(EarShotError, match="repeats few numbers"):
        load(path)


@QUIET
@given(draw=st.randoms(use_true_random=False))
def test_any_byte_of_a_torch_file_may_be_another(
    draw: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    held = io.BytesIO()
    torch.save({"state_dict": {f"audio_branch.{i}": torch.ones(3) for i in range(3)}}, held)
    content = bytearray(held.getvalue())
    for _ in range(draw.randint(1, 8)):
        content[draw.randrange(len(content))] = draw.randrange(256)
    path = tmp_path_factory.getbasetemp() / "mutated.pt"
    path.write_bytes(content[: draw.choice([None, None, draw.randrange(len(content))])])
    with pytest.raises(EarShotError):
        load(path)


@pytest.mark.parametrize(
    "name", ["custom_checkpoint_0.pkl", "optimizer.bin", "random_states_0.pkl"]
)
def test_resuming_runs_no_code_of_a_checkpoint(name: str, tmp_path: Path) -> None:
    config = FitConfig(steps=2, warmup_steps=1, checkpoint_every=1)
    toy_fit(toy_model(), tmp_path / "run", config)
    mark, newest = tmp_path / "mark", checkpoints(tmp_path / "run" / CHECKPOINTS)[-1]
    assert (newest / name).is_file()
    torch.save({"step": 1, "trap": Trap(mark)}, newest / name)
    longer = replace(config, steps=2)
    with pytest.raises(EarShotError, match="more than data"):
        toy_fit(toy_model(), tmp_path / "run", longer, resume=True)
    assert not mark.exists()
    shutil.rmtree(newest)  # the mend that the sentence names
    assert toy_fit(toy_model(), tmp_path / "run", longer, resume=True).steps == 2
