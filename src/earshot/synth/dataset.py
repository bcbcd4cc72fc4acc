"""A folder of procedural clips with a manifest: made once, resumed where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from earshot.audio import write_audio
from earshot.core.errors import EarShotError, unknown_name
from earshot.core.files import is_file, is_folder, is_there, remove_parts, write_text
from earshot.core.lock import one_writer
from earshot.core.seed import generator
from earshot.synth.records import CONFIGS, Config, facts_of, make_record, settled

MANIFEST, FACTS, JOURNAL = "manifest.jsonl", "dataset.json", "journal.jsonl"
LOCK = ".writer.lock"
SPLITS = (("train", 0.8), ("val", 0.9), ("test", 1.0))  # cumulative shares
FORMATS = ("flac", "wav")  # lossless, and the same bytes for the same samples


def write_dataset(
    out: Path,
    *,
    kind: Literal["scenes", "sounds", "tunes", "speech"] = "scenes",
    n: int,
    seed: int = 0,
    format: Literal["flac", "wav"] = "flac",
    sample_rate: int | None = None,
    config: Config | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Make `n` clips under `out` and give the path of their manifest, JSON Lines by index.

    Clip i depends on kind, config, seed and i alone, its split too (train, val, test at 80, 10,
    10 %), so a larger n later adds to what is there and a smaller one takes nothing away. A run
    that was stopped goes on where it was. `progress` gets (clips there, n).

    Raises EarShotError for wrong settings, and for an `out` that holds something else or cannot
    be written.
    """
    config = settled(_config(kind, sample_rate, config))
    _check(n, seed, format)
    out = Path(out)
    try:
        _claim(out, facts_of(kind, seed, config, format))
        with one_writer(out, LOCK):
            return _fill(out, kind, n, seed, format, config, progress)
    except OSError as fault:
        raise EarShotError(
            got=f"{out}, which cannot be written ({fault.strerror or fault})",
            expected="a folder to write in, and room on its disk",
            mend="Mend that, or choose another OUT; the clips already made are kept.",
        ) from fault


def _fill(
    out: Path,
    kind: str,
    n: int,
    seed: int,
    format: str,
    config: Config,
    progress: Callable[[int, int], None] | None,
) -> Path:
    """Make what is missing, then the manifest."""
    for folder in (out, out / "clips"):
        remove_parts(folder)
    rows = _rows_there(out)
    name = {"scenes": "scene", "sounds": "sound", "tunes": "tune", "speech": "speech"}[kind]
    with (out / JOURNAL).open("a", encoding="utf-8") as journal:
        for index in range(n):
            if index not in rows:
                path = f"clips/{name}-{index:06d}.{format}"
                waveform, fields = make_record(config, seed, index)
                (out / path).parent.mkdir(parents=True, exist_ok=True)
                write_audio(out / path, waveform, config.sample_rate)
                rows[index] = {
                    "path": path,
                    **fields,
                    "split": split_of(seed, index),
                    "duration_s": round(len(waveform) / config.sample_rate, 4),
                    "sample_rate": config.sample_rate,
                    "seed": seed,
                    "index": index,
                }
                journal.write(json.dumps(rows[index], ensure_ascii=False) + "\n")
                journal.flush()
            if progress:
                progress(index + 1, n)
    lines = (json.dumps(rows[index], ensure_ascii=False) for index in sorted(rows))
    write_text(out / MANIFEST, "\n".join(lines) + "\n")
    (out / JOURNAL).unlink()
    return out / MANIFEST


def split_of(seed: int, index: int) -> str:
    """The split of a clip, from its seed and index alone."""
    draw = generator(seed, index, "split").random()
    return next(name for name, share in SPLITS if draw < share)


def _config(kind: str, sample_rate: int | None, config: Config | None) -> Config:
    if kind not in CONFIGS:
        raise unknown_name("kind of data set", kind, CONFIGS)
    if config is None:
        return CONFIGS[kind]() if sample_rate is None else CONFIGS[kind](sample_rate=sample_rate)
    if not isinstance(config, CONFIGS[kind]):
        raise EarShotError(
            got=f"a {type(config).__name__} for kind={kind!r}",
            expected=f"a {CONFIGS[kind].__name__}",
            mend="Pass the config of that kind, or none.",
        )
    if sample_rate not in (None, config.sample_rate):
        raise EarShotError(
            got=f"sample_rate={sample_rate} beside a config with {config.sample_rate}",
            expected="one sample rate",
            mend="Set it in the config alone.",
        )
    return config


def _check(n: int, seed: int, format: str) -> None:
    if n < 1:
        raise EarShotError(got=f"n={n}", expected="at least 1 clip", mend="Ask for more.")
    if seed < 0:
        raise EarShotError(got=f"seed={seed}", expected="0 or more", mend="Take another seed.")
    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS)


def _claim(out: Path, facts: dict[str, Any]) -> None:
    """Mark `out` as this data set, or refuse one that is another's."""
    marker = out / FACTS
    if is_there(out) and not is_folder(out):
        raise EarShotError(got=f"a file at {out}", expected="a folder", mend="Choose another OUT.")
    if marker.is_file():
        try:
            there = json.loads(marker.read_text("utf-8"))
        except ValueError:
            there = None
        if there != facts:
            raise EarShotError(
                got=f"{out}, which holds a data set made with other settings",
                expected="an empty folder, or the same kind, seed, format and settings",
                mend=f"Choose another OUT, or remove that folder; {marker.name} says what it is.",
            )
        return
    if out.is_dir() and any(out.iterdir()):
        raise EarShotError(
            got=f"{out}, which holds files that are not a data set of ours",
            expected="an empty folder, or one of an earlier run",
            mend="Choose another OUT.",
        )
    write_text(marker, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def _rows_there(out: Path) -> dict[int, dict[str, Any]]:
    """Rows of clips already made, by index: those of the journal and of a finished manifest.

    A line that is no row, such as one cut by a kill, and a row whose clip is gone count as not
    made: the clip is made again, with the same bytes.
    """
    rows: dict[int, dict[str, Any]] = {}
    for name in (MANIFEST, JOURNAL):
        path = out / name
        if not path.is_file():
            continue
        text = path.read_text("utf-8", errors="replace")
        whole = text[: text.rfind("\n") + 1]
        if name == JOURNAL and whole != text:
            write_text(path, whole)  # so that the next row begins on its own line
        for line in whole.splitlines():
            try:
                row = json.loads(line)
                there = is_file(out / row["path"])
                index = int(row["index"])
            except (ValueError, KeyError, TypeError):
                continue
            if there:
                rows[index] = row
    return rows
