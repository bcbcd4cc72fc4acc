"""A factory's captions together with their sounds: WebDataset shards, or a `datasets` folder."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from earshot.audio.errors import AudioError
from earshot.audio.opening import open_regular
from earshot.audio.read import read_audio
from earshot.audio.write import write_audio
from earshot.core.errors import EarShotError
from earshot.core.files import remove_parts, replacing
from earshot.core.lock import one_writer
from earshot.core.urls import is_url
from earshot.engines.urls import fetch
from earshot.factories.item import Item
from earshot.factories.part_store import rows_in
from earshot.factories.parts import CLAP, item_of

if TYPE_CHECKING:
    import pyarrow as pa

SHARD_BYTES = 1_000_000_000  # a shard is closed once it is larger
GROUP_BYTES = 50_000_000  # of sounds in one row group, which a reader holds in memory


@dataclass
class Exported:
    """What was written: files, clips, and the clips whose sound cannot be had, with the reason."""

    files: list[Path] = field(default_factory=list)
    n_clips: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Sounding:
    """A clip with its encoded sound."""

    item: Item
    name: str  # such as dog.flac
    data: bytes


def export_webdataset(out: Path, folder: Path, *, shard_bytes: int = SHARD_BYTES) -> Exported:
    """Plain tar shards: NUMBER.flac with NUMBER.json (id, caption, labels, scores, ...) beside it.

    Sounds are copied as they are; excerpts of files are cut out, as FLAC. A clip without a sound,
    or with one that cannot be read, is left out and listed.
    """
    with _filling(folder, "*.tar") as done:
        sounds = _sounds(out, done)
        first = next(sounds, None)
        while first is not None:
            path = folder / f"shard-{len(done.files):06d}.tar"
            size = 0
            with replacing(path) as part, tarfile.open(part, "w") as tar:
                while first is not None and size < shard_bytes:
                    key = f"{done.n_clips:09d}"
                    suffix = PurePosixPath(first.name).suffix.lower() or ".wav"
                    about = json.dumps(_about(first.item), ensure_ascii=False).encode()
                    for name, data in ((f"{key}{suffix}", first.data), (f"{key}.json", about)):
                        member = tarfile.TarInfo(name)
                        member.size = len(data)
                        tar.addfile(member, io.BytesIO(data))
                        size += len(data)
                    done.n_clips += 1
                    first = next(sounds, None)
            done.files.append(path)
    return done


def export_datasets(out: Path, folder: Path, *, shard_bytes: int = SHARD_BYTES) -> Exported:
    """Parquet files with the sounds in them: `datasets.load_dataset("parquet", data_dir=folder)`.

    The column `audio` is Audio(decode=False): {"bytes", "path"}. Otherwise as export_webdataset.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _filling(folder, "*.parquet") as done:
        sounds = _sounds(out, done)
        first = next(sounds, None)
        while first is not None:
            path = folder / f"train-{len(done.files):05d}.parquet"
            size = 0
            with replacing(path) as part, pq.ParquetWriter(part, _shape()) as writer:
                while first is not None and size < shard_bytes:
                    rows, held = list[dict[str, Any]](), 0
                    while first is not None and held < min(GROUP_BYTES, shard_bytes):
                        audio = {"bytes": first.data, "path": first.name}
                        rows.append({"audio": audio, **_about(first.item)})
                        held += len(first.data)
                        first = next(sounds, None)
                    writer.write_table(pa.Table.from_pylist(rows, schema=_shape()))
                    done.n_clips, size = done.n_clips + len(rows), size + held
            done.files.append(path)
    return done


@contextmanager
def _filling(folder: Path, mask: str) -> Iterator[Exported]:
    """A folder for the shards alone: those of an earlier export go, of a killed one too."""
    with one_writer(folder, ".export.lock"):
        there = {path for path in folder.glob("*") if not path.name.startswith(".")}
        if others := sorted(there - set(folder.glob(mask))):
            raise EarShotError(
                got=f"{folder}, which holds {others[0].name}",
                expected="a folder of its own",
                mend="Name a new one.",
            )
        remove_parts(folder)
        for path in there:
            path.unlink()
        yield Exported()


def _sounds(out: Path, done: Exported) -> Iterator[Sounding]:
    for row in rows_in(out):
        item = item_of(row, out)
        try:
            yield Sounding(item, *sound_of(item))
        except EarShotError as fault:
            done.failures.append((item.id, str(fault)))


def sound_of(item: Item) -> tuple[str, bytes]:
    """Name and bytes of a clip's sound; an excerpt is cut out, as FLAC of 16 bits.

    Raises EarShotError when it has none that can be read.
    """
    if item.audio is None:
        raise EarShotError(
            got=f"{item.id} without a sound", expected="a file or a URL", mend="Leave it out."
        )
    audio = item.audio
    named = unquote(urlsplit(str(audio)).path) if is_url(audio) else str(audio)
    name = PurePosixPath(named).name
    if item.start_s or item.duration_s is not None:
        source = fetch(str(audio)) if is_url(audio) else Path(audio)
        cut = read_audio(source, start_s=item.start_s, duration_s=item.duration_s)
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "cut.flac"
            write_audio(path, cut.waveform, cut.sample_rate)
            return f"{Path(name).stem}.flac", path.read_bytes()
    if is_url(audio):
        return name, fetch(str(audio))
    try:
        with open_regular(Path(audio)) as file:
            return name, file.read()
    except OSError as fault:
        raise AudioError(
            got=f"{audio}: {fault.strerror}", expected="a file that can be read", mend="Mend it."
        ) from fault


def _about(item: Item) -> dict[str, Any]:
    """What goes beside a sound."""
    return {
        "id": item.id,
        "caption": item.caption,
        "labels": list(item.labels),
        **{name: item.scores.get(name) for name in CLAP},
        "questions": [{"question": pair.question, "answer": pair.answer} for pair in item.answers],
        "provenance": json.dumps(dict(item.provenance), sort_keys=True),
    }


def _shape() -> pa.Schema:
    """The columns, with what the datasets library reads of them."""
    import pyarrow as pa

    text = {"dtype": "string", "_type": "Value"}
    number = {"dtype": "float64", "_type": "Value"}
    pair = {"question": text, "answer": text}
    features = {
        "audio": {"decode": False, "_type": "Audio"},
        "id": text,
        "caption": text,
        "labels": {"feature": text, "_type": "List"},
        **dict.fromkeys(CLAP, number),
        "questions": {"feature": pair, "_type": "List"},
        "provenance": text,
    }
    fields = [
        ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("id", pa.string()),
        ("caption", pa.string()),
        ("labels", pa.list_(pa.string())),
        *[(name, pa.float64()) for name in CLAP],
        ("questions", pa.list_(pa.struct([(name, pa.string()) for name in pair]))),
        ("provenance", pa.string()),
    ]
    info = json.dumps({"info": {"features": features}})
    return pa.schema(fields, metadata={"huggingface": info})
