"""Any bytes at the audio door and at the manifest reader: an answer or a sentence."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import AudioError, probe_audio, read_audio
from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.data.manifest import read_manifest
from sound_files import EVERY, encode, tones
from tiny_sounds import tone

RATE = 8_000
QUIET = settings(deadline=None, derandomize=True, max_examples=120)
GOOD = {kind: encode(kind, tones(0.05, 16_000), 16_000) for kind in EVERY}


def mutated(good: bytes, draw: random.Random) -> bytes:
    """The file with bytes changed, taken out, put in or doubled, mostly near its beginning."""
    content = bytearray(good)
    for _ in range(draw.randint(1, 12)):
        place = draw.randrange(min(len(content), draw.choice([16, 64, 256, len(content)])) or 1)
        match draw.randrange(5):
            case 0:
                content[place : place + 1] = draw.randbytes(1)
            case 1:
                content[place : place + 4] = draw.choice(
                    [b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"]
                )
            case 2:
                del content[place : place + draw.randint(1, 64)]
            case 3:
                content[place:place] = draw.randbytes(draw.randint(1, 64))
            case _:
                content += content[place : place + 256]
    return bytes(content)


def answers_or_says_why(content: bytes) -> None:
    for door in (probe_audio, lambda source: read_audio(source, sample_rate=RATE)):
        try:
            answer = door(content)
        except AudioError as fault:
            check_sentence(fault)
            continue
        if hasattr(answer, "waveform"):
            assert answer.waveform.dtype == np.float32
            assert len(answer.waveform) > 0
            assert float(np.abs(answer.waveform).max()) <= 1.0  # false for NaN as well


def check_sentence(fault: EarShotError) -> None:
    assert str(fault).startswith("got ")
    assert "\n" not in str(fault)


@QUIET
@given(kind=st.sampled_from(EVERY), draw=st.randoms(use_true_random=False))
def test_mutated_sounds(kind: str, draw: random.Random) -> None:
    answers_or_says_why(mutated(GOOD[kind], draw))


@QUIET
@given(content=st.binary(max_size=500), magic=st.sampled_from(EVERY))
def test_any_bytes_after_the_first_of_a_sound(content: bytes, magic: str) -> None:
    answers_or_says_why(content)
    answers_or_says_why(GOOD[magic][:12] + content)


@QUIET
@given(one=st.sampled_from(EVERY), two=st.sampled_from(EVERY), draw=st.randoms())
def test_halves_of_two_sounds(one: str, two: str, draw: random.Random) -> None:
    first, second = GOOD[one], GOOD[two]
    answers_or_says_why(first[: draw.randrange(len(first))] + second[draw.randrange(len(second)) :])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manifests")
    tone(folder / "a.wav")
    return folder


def reads_or_says_why(path: Path) -> None:
    """The clips and their faults, or a sentence; and the door for whole data sets agrees."""
    try:
        clips = read_manifest(path)
    except EarShotError as fault:
        check_sentence(fault)
        with pytest.raises(EarShotError):
            open_clips(path)
        return
    for fault in clips.faults:
        assert fault.got
        assert fault.mend
        assert str(fault)
    for clip in clips:
        assert clip.id
        assert all(isinstance(text, str) for text in (*clip.captions, *clip.labels))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["a.wav", "/", "..", "a" * 300, "a\0b", "~x", "\ud800", "1e999", "nan", "-1"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["path", "bytes", "data", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = ["path", "audio", "caption", "caption_1", "label", "labels", "split", "id", "start", "end"]
FIELDS += ["start_s", "duration", "duration_s", "group", "", "\ud800", "a" * 500]
ROWS = st.lists(VALUES | st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6), max_size=5)


@QUIET
@given(rows=ROWS, suffix=st.sampled_from([".jsonl", ".json"]))
def test_json_of_any_shape(folder: Path, rows: list[object], suffix: str) -> None:
    texts = [json.dumps(row) for row in rows]
    text = "\n".join(texts) if suffix == ".jsonl" else f"[{', '.join(texts)}]"
    path = folder / f"any{suffix}"
    path.write_text(text)
    reads_or_says_why(path)


@QUIET
@given(
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".json", ".parquet", ".ndjson"]),
    head=st.sampled_from([b"", b"path,caption\n", b"path\tlabel\n", b'{"path": "', b"PAR1", b"[{"]),
    content=st.binary(max_size=300),
)
def test_any_bytes_in_a_table(folder: Path, suffix: str, head: bytes, content: bytes) -> None:
    path = folder / f"bytes{suffix}"
    path.write_bytes(head + content)
    reads_or_says_why(path)


HARD = {
    "many digits.jsonl": '{"path": "a.wav", "x": ' + "9" * 10_000 + "}",
    "many digits.json": "[" + "9" * 10_000 + "]",
    "deep.jsonl": '{"path": "a.wav", "caption": ' + "[" * 100_000,
    "deep.json": "[" * 100_000 + "]" * 100_000,
    "deep but whole.jsonl": '{"path": "a.wav", "label": ' + "[" * 900 + "]" * 900 + "}",
    "long name.csv": "path,caption\n" + "a" * 5_000 + ".wav,dog\n",
    "null byte.csv": "path,caption\na\0.wav,dog\n",
    "no end of a quote.csv": 'path,caption\na.wav,"' + "dog " * 100_000,
    "wide.csv": ",".join(f"c{i}" for i in range(20_000)) + "\n" + "," * 19_999 + "\n",
    "same twice.csv": "path,path\na.wav,a.wav\n",
    "only a header.csv": "path,caption\n",
    "utf-16.csv": "path,caption\na.wav,dog\n".encode("utf-16"),
    "latin.csv": "path,caption\na.wav,café\n".encode("latin-1"),
    "bom.jsonl": '\ufeff{"path": "a.wav", "caption": "dog"}\n',
    "endless path.jsonl": json.dumps({"path": "../" * 20_000 + "etc/passwd"}),
    "a folder.jsonl": json.dumps({"path": "."}),
    "infinite.jsonl": '{"path": "a.wav", "start": Infinity, "duration": NaN}',
    "huge field.jsonl": json.dumps({"path": "a.wav", "caption": "x" * 3_000_000}),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_tables(name: str, folder: Path) -> None:
    content = HARD[name]
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    reads_or_says_why(path)


@QUIET
@given(draw=st.randoms(use_true_random=False))
def test_mutated_parquet(folder: Path, draw: random.Random) -> None:
    import pyarrow
    import pyarrow.parquet

    path = folder / "mutated.parquet"
    rows = {"path": ["a.wav"] * 20, "caption": [f"dog {i}" for i in range(20)]}
    pyarrow.parquet.write_table(pyarrow.table(rows), path)
    path.write_bytes(mutated(path.read_bytes(), draw))
    reads_or_says_why(path)
