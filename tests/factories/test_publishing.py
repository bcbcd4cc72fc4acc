"""What a factory's folder is given away as: card, figures, tables, shards, one page to listen."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from earshot.audio import read_audio, write_audio
from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.factories.exports import export_datasets, export_webdataset
from earshot.factories.factory import Factory, run_factory
from earshot.factories.item import QA, Item
from earshot.factories.meter import Prices
from earshot.factories.part_store import rows_in
from earshot.factories.publishing import publish, write_captions, write_questions
from earshot.factories.sampler import write_sampler
from factories.stub_stages import Score, clips, stub_factory

NASTY = '<script>alert("x")</script> & "quotes" \u2014 caf\u00e9'


class Says:
    """Gives every clip the caption that its title is."""

    name, identity = "says", "says-1"

    def work(self, items):  # noqa: ANN001, ANN201
        for item in items:
            answers = (QA("What is heard?", item.source["title"]),)
            yield item.with_(caption=item.source["title"], answers=answers)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Three clips with sounds, an excerpt of the first, one whose file is gone, one rejected."""
    sounds = tmp_path / "some sounds"
    items = []
    for i in range(3):
        waveform = 0.5 * np.sin(np.arange(8_000) * (0.05 + 0.02 * i), dtype=np.float32)
        path = sounds / f"a #{i}.wav"
        path.parent.mkdir(exist_ok=True)
        write_audio(path, waveform, 8_000)
        items.append(Item(f"s{i}", path, labels=("Tone",), source={"title": f"{NASTY} {i}"}))
    items.append(items[0].with_(id="cut", start_s=0.25, duration_s=0.5))
    items.append(Item("gone", sounds / "gone.wav", source={"title": "gone"}))
    items.append(Item("text", source={"title": "no sound at all"}))
    run_factory(Factory("says", [Says(), Score()]), items, tmp_path / "out")
    return tmp_path / "out"


def kept(out: Path) -> list[str]:
    return [row["id"] for row in rows_in(out)]


def test_figures_and_card_say_what_is_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_factory(stub_factory(), clips(120), out, rows_per_part=50)
    figures = publish(out, stub_factory(), Prices(prompt=1.0))
    captions = [row["caption"] for row in rows_in(out)]
    lengths = sorted(len(caption.split()) for caption in captions)
    words = {word.strip(".").lower() for caption in captions for word in caption.split()}
    assert figures["clips"]["accepted"] == len(captions)
    assert figures["words_per_caption"]["mean"] == pytest.approx(sum(lengths) / len(lengths))
    assert figures["words_per_caption"]["most"] == lengths[-1]
    assert figures["vocabulary"] == len(words)
    assert figures["labels"]["Dog"] == len(captions)
    scores = sorted(row["clap_caption"] for row in rows_in(out))
    assert figures["scores"]["clap_caption"]["median"] == pytest.approx(
        scores[len(scores) // 2], abs=0.03
    )
    assert figures["stages"]["write"]["cost"] == pytest.approx(
        figures["stages"]["write"]["prompt_tokens"] / 1e6
    )
    assert json.loads((out / "statistics.json").read_text()) == figures
    card = (out / "README.md").read_text()
    assert f"{len(captions)} captions" in card
    assert "extract: nothing_heard" in card
    assert 'data_files: "rejects/*.parquet"' in card
    assert json.loads((out / "factory.json").read_text())["stages"]["gate"] == "score-1"


def test_captions_and_questions_as_tables(out: Path, tmp_path: Path) -> None:
    n = write_captions(out, tmp_path / "captions.csv")
    rows = list(csv.DictReader((tmp_path / "captions.csv").open(encoding="utf-8")))
    assert n == len(rows)
    assert {row["id"]: row["caption"] for row in rows} == {
        row["id"]: row["caption"] for row in rows_in(out)
    }
    assert write_questions(out, tmp_path / "questions.csv") == n
    first = next(csv.DictReader((tmp_path / "questions.csv").open(encoding="utf-8")))
    assert first["question"] == "What is heard?"


def test_shards_are_read_again_with_their_sounds(out: Path, tmp_path: Path) -> None:
    done = export_webdataset(out, tmp_path / "shards", shard_bytes=20_000)
    sounding = [id for id in kept(out) if id not in ("gone", "text")]
    assert [id for id, _ in done.failures] == [i for i in kept(out) if i not in sounding]
    assert len(done.files) > 1
    found = list(open_clips(tmp_path / "shards"))
    assert [clip.captions[0] for clip in found] == [
        row["caption"] for row in rows_in(out) if row["id"] in sounding
    ]
    for id, clip in zip(sounding, found, strict=True):
        whole = read_audio(tmp_path / "some sounds" / f"a #{0 if id == 'cut' else id[1]}.wav")
        wanted = whole.waveform[2_000:6_000] if id == "cut" else whole.waveform
        assert np.array_equal(clip.read().waveform, wanted)


def test_the_datasets_library_loads_the_export(out: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    done = export_datasets(out, tmp_path / "hub")
    loaded = datasets.load_dataset(
        "parquet", data_dir=str(tmp_path / "hub"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(loaded) == done.n_clips == len(kept(out)) - len(done.failures)
    assert loaded.features["audio"] == datasets.Audio(decode=False)
    for row in loaded:
        assert len(read_audio(row["audio"]["bytes"]).waveform) == (
            4_000 if row["id"] == "cut" else 8_000
        )
    assert loaded[0]["labels"] == ["Tone"]
    assert loaded[0]["questions"][0]["question"] == "What is heard?"
    captions = {row["id"]: row["caption"] for row in rows_in(out)}
    assert all(row["caption"] == captions[row["id"]] for row in loaded)


def test_an_export_leaves_other_files_alone(out: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(EarShotError, match="holds thesis.tex"):
        export_webdataset(out, tmp_path / "mine")


class Page(HTMLParser):
    """Tags, links and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.scripts = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.scripts += tag == "script"
        self.links += [named[name] or "" for name in ("src", "href") if name in named]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_escapes_and_its_links_lead_to_the_sounds(out: Path) -> None:
    page = write_sampler(out)
    read = Page()
    read.feed(page.read_text("utf-8"))
    assert read.scripts == 1  # its own
    assert f"{NASTY} 1" in read.text
    ids = kept(out) + [row["id"] for row in rows_in(out, "rejects")]
    assert len(read.links) == sum(id != "text" for id in ids)
    for link in read.links:
        assert "://" not in link
        name, _, part = link.partition("#t=")
        there = (page.parent / unquote(name)).resolve()
        assert there.is_file() == (there.name != "gone.wav")
        assert part in ("", "0.25,0.75")


def test_a_folder_that_no_factory_filled_is_refused(tmp_path: Path) -> None:
    for work in (publish, write_sampler):
        with pytest.raises(EarShotError, match="earshot factory run has filled"):
            work(tmp_path)
