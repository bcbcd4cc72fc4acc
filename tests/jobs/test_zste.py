"""ZSTE from sound files to figures, by a listener of tones who knows all there is to know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.jobs.zste import evaluate_zste
from earshot.models.embedder import Embedder
from tiny_models import seeded, strip_model
from toy_embedder import RATE, TONES, ToyEmbedder, write_tones

LABELS = list(TONES)
N = len(LABELS)


class Oracle(ToyEmbedder):
    """Hears which tones there are, which comes first, and whether they sound at once."""

    knows_order = True

    def embed_waveforms(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([self._hear(each) for each in waveforms])

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self._read(text) for text in texts])

    def _hear(self, waveform: np.ndarray) -> np.ndarray:
        part = len(waveform) * 2 // 5
        start, end = self._there(waveform[:part]), self._there(waveform[-part:])
        return self._row(start, end) if start != end else self._row(start)

    def _there(self, waveform: np.ndarray) -> list[int]:
        energies = np.array(self._energies(waveform))
        return [i for i in range(N) if energies[i] > 0.03 * energies.max()]

    def _read(self, text: str) -> np.ndarray:
        words = text.replace("followed by", "then").split()
        events = [LABELS.index(word) for word in words if word in TONES]
        if "after" in words:
            events.reverse()
        if {"before", "after", "then"} & set(words):
            return self._row(events[:1], events[1:])
        return self._row(events)

    def _row(self, first: list[int], last: Sequence[int] = ()) -> np.ndarray:
        row = np.zeros(3 * N + 1)
        row[[*first, *last]] = 1
        if self.knows_order:
            row[[N + i for i in first if last]] = 1
            row[[2 * N + i for i in last]] = 1
            row[-1] = len(first) > 1
        return (row / np.linalg.norm(row)).astype(np.float32)


class Forgetful(Oracle):
    """Knows what there is, and nothing of when."""

    knows_order = False


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ESC-10 style: a folder a label, two recordings each."""
    folder = tmp_path_factory.mktemp("tones")
    files = {f"{word}/{take}.wav": (word,) for word in TONES for take in "ab"}
    write_tones(folder, files)
    return folder


def test_the_oracle_gets_everything_right_from_a_folder(tones: Path) -> None:
    result = evaluate_zste(tones, model=Oracle(), n=30)
    ranks = {name: value for name, value in result.metrics.items() if name.endswith("D")}
    assert ranks == {"2D": 1.5, "3D": 1.5}
    assert {v for name, v in result.metrics.items() if name not in ranks} == {1.0}
    assert (result.task, result.n, result.failures) == ("zste", 10 + 3 * 30, [])
    assert result.details["n_pairs"] == 30
    assert result.details["event_s"] == 0.5  # half of the model's window
    assert result.details["tasks"]["4"]["chance"] == 0.5
    assert result.details["tasks"]["4_before"]["n"] == 60
    assert result.intervals["5"] == (1.0, 1.0)


def test_who_forgets_the_order_is_at_chance_in_it_and_right_in_the_rest(tones: Path) -> None:
    result = evaluate_zste(tones, model=Forgetful(), n=40)
    for name in ("1", "2A", "2B", "2C", "3A", "3B", "3C"):
        assert result.metrics[name] == 1
    for name in ("4", "4_unseen"):
        assert result.metrics[name] == pytest.approx(0.5, abs=0.15)
    assert result.metrics["5"] == pytest.approx(1 / 3, abs=0.15)


def test_the_same_seed_gives_the_same_figures_and_another_other_pairs(tones: Path) -> None:
    model = Embedder(seeded(strip_model), "tiny")
    one, two, other = (evaluate_zste(tones, model=model, n=12, seed=s) for s in (1, 1, 2))
    assert one == two
    assert one.metrics != other.metrics
    assert one.fingerprint == model.fingerprint
    for name, value in one.metrics.items():
        low, high = one.intervals[name]
        assert low <= value <= high


def test_a_composite_beyond_the_window_keeps_its_second_event(tones: Path) -> None:
    """Two whole seconds for a model that hears one: the mean of its windows has both sounds."""

    class Lengths(Oracle):
        longest_s, most_windows = 0.0, 0

        def embed_audio(self, source: Audio):
            found = super().embed_audio(source)
            self.longest_s = max(self.longest_s, source.duration_s)
            self.most_windows = max(self.most_windows, len(found.windows))
            return found

    short, long = Lengths(), Lengths()
    evaluate_zste(tones, model=short, n=10)
    assert short.longest_s <= 1.0
    assert short.most_windows == 1
    result = evaluate_zste(tones, model=long, n=10, event_s=1.0)
    assert long.longest_s == pytest.approx(1.9, abs=0.01)
    assert long.most_windows == 2
    assert result.metrics["3B"] == 1
    assert result.metrics["3D"] < 2.5


def test_unreadable_sounds_are_listed_and_their_pairs_left_out(tmp_path: Path) -> None:
    files = {f"{word}/{take}.wav": (word,) for word in TONES for take in "ab"}
    write_tones(tmp_path, files)
    (tmp_path / "car" / "a.wav").write_text("no sound")
    result = evaluate_zste(tmp_path, model=Oracle(), n=40)
    assert [failure.path.name for failure in result.failures] == ["a.wav"]
    assert result.details["n_clips"] == 9
    assert result.details["n_pairs"] == 40 - 8  # all pairs there are, but the car's first
    assert result.metrics["4"] == 1
    for path in tmp_path.rglob("*.wav"):
        path.write_text("no sound")
    with pytest.raises(EarShotError, match="no pair of which both"):
        evaluate_zste(tmp_path, model=Oracle(), n=5)


def test_faults_say_what_to_do(tmp_path: Path) -> None:
    write_tones(tmp_path, {f"{word}/a.wav": (word,) for word in ("dog", "cat")})
    with pytest.raises(EarShotError, match="labels as subfolders"):
        evaluate_zste(tmp_path, model=Oracle())
    write_tones(tmp_path, {"rain/a.wav": ("rain",)})
    with pytest.raises(EarShotError, match=r"Give 1\.5"):
        evaluate_zste(tmp_path, model=Oracle(), event_s=-1.0)
    assert Oracle.sample_rate == RATE
