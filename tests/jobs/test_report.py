from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earshot.audio import Audio, write_audio
from earshot.core.errors import EarShotError
from earshot.jobs.report import (
    FRAMES,
    MEL_BINS,
    ReportSearch,
    ReportSound,
    ReportTable,
    flatten,
    picture,
    write_report,
)


def tone(hz: float, duration_s: float = 0.5, sample_rate: int = 16_000) -> Audio:
    time = np.arange(round(duration_s * sample_rate)) / sample_rate
    return Audio((0.5 * np.sin(2 * np.pi * hz * time)).astype(np.float32), sample_rate)


def payload(page: Path) -> dict:
    found = re.search(r'type="application/json">(.*?)</script>', page.read_text("utf-8"), re.S)
    assert found
    return json.loads(found[1])


def test_a_page_carries_its_sounds_and_nothing_of_another_place(tmp_path: Path) -> None:
    names = ["low.wav", "</script><b>.wav"]
    for name, hz in zip(names, (300, 3_000), strict=True):
        path = tmp_path / name.replace("/", "_")
        write_audio(path, tone(hz).waveform, 16_000)
    files = sorted(tmp_path.glob("*.wav"))
    page = write_report(
        tmp_path / "out" / "report.html",
        title="T",
        facts="F",
        sounds=[ReportSound(path, f"caption of {path.name} </script>") for path in files],
        embeddings=np.eye(2, dtype=np.float32),
        searches=[ReportSearch("a tone", [(1, 0.75), (0, 0.25)])],
        tables=[ReportTable("Tags", ["file", "tag"], [["low.wav", "hum"]])],
    )
    held = payload(page)
    assert [sound["name"] for sound in held["sounds"]] == [path.name for path in files]
    assert held["searches"] == [
        {"query": "a tone", "hits": [{"sound": 1, "score": 0.75}, {"sound": 0, "score": 0.25}]}
    ]
    for sound in held["sounds"]:
        waveform, rate = soundfile.read(io.BytesIO(base64.b64decode(sound["audio"])))
        assert rate == 16_000
        assert len(waveform) >= 8_000
        assert len(base64.b64decode(sound["mel"])) == MEL_BINS * FRAMES
    assert not re.search(r"""(src|href)=["']?https?:""", page.read_text("utf-8"))


def test_a_picture_shows_where_a_tone_lies() -> None:
    low, high = picture(tone(300)), picture(tone(3_000))
    assert low.shape == high.shape == (MEL_BINS, FRAMES)
    assert low.max() == high.max() == 255
    assert low.sum(1).argmax() < high.sum(1).argmax()


def test_a_map_keeps_neighbours_together_and_repeats() -> None:
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(3, 16), 12, axis=0)
    points = (centres + 0.05 * rng.normal(size=centres.shape)).astype(np.float32)
    places = flatten(points)
    assert places.shape == (36, 2)
    assert places.min() == 0
    assert places.max() == 1
    np.testing.assert_array_equal(places, flatten(points))
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(far, np.inf)
    assert (far.argmin(1) // 12 == np.arange(36) // 12).all()


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_small_maps_have_places(n: int) -> None:
    assert flatten(np.eye(max(n, 1), 4, dtype=np.float32)[:n]).shape == (n, 2)


def test_counts_must_agree(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="one embedding a sound"):
        write_report(tmp_path / "r.html", title="", facts="", sounds=[], embeddings=np.eye(2))
