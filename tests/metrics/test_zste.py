"""Models whose answers are known, so that each task's figure can be checked."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.metrics.zste import TemporalSounds, zste

LABELS = ("bell", "car", "cat", "dog", "door", "rain")
N = len(LABELS)
DIM = 3 * N + 1  # there, comes first, comes last, together
RIGHT = {"1", "2A", "2B", "2C", "3A", "3B", "3C", "4", "4_before", "4_after", "4_unseen", "4_then",
         "4_followed_by", "5"}  # fmt: skip


def known(events: Sequence[int], *, ordered: bool = False) -> np.ndarray:
    """What there is to know of a sound or a sentence, as a unit vector."""
    row = np.zeros(DIM)
    row[list(events)] = 1
    if ordered:
        row[N + events[0]], row[2 * N + events[1]] = 1, 1
    elif len(events) == 2:
        row[-1] = 1
    return (row / np.linalg.norm(row)).astype(np.float32)


def understand(text: str) -> np.ndarray:
    """The sentence as a model that knows all of it reads it."""
    words = text.replace("followed by", "then").split()
    events = [LABELS.index(word) for word in words if word in LABELS]
    if "after" in words:
        events.reverse()
    return known(events, ordered=bool({"before", "after", "then"} & set(words)))


def reader(read: Callable[[str], np.ndarray]) -> Callable[[Sequence[str]], np.ndarray]:
    return lambda texts: np.stack([read(text) for text in texts])


def sounds(n_pairs: int = 60, seed: int = 0) -> TemporalSounds:
    rng = np.random.default_rng(seed)
    single = np.arange(5 * N) % N
    couples = np.array([rng.permutation(N)[:2] for _ in range(n_pairs)])
    return TemporalSounds(
        labels=LABELS,
        single=np.stack([known([i]) for i in single]),
        single_target=single,
        single_group=np.arange(5 * N),
        forward=np.stack([known([a, b], ordered=True) for a, b in couples]),
        reverse=np.stack([known([b, a], ordered=True) for a, b in couples]),
        overlap=np.stack([known([a, b]) for a, b in couples]),
        first=couples[:, 0],
        second=couples[:, 1],
    )


def test_who_knows_everything_is_right_everywhere() -> None:
    found = zste(sounds(), reader(understand))
    assert {name: found[name].value for name in RIGHT} == dict.fromkeys(RIGHT, 1.0)
    assert found["2D"].value == found["3D"].value == 1.5
    assert set(found) == RIGHT | {"2D", "3D"}
    assert {name: found[name].n for name in ("1", "2A", "4", "4_before", "5")} == {
        "1": 30, "2A": 60, "4": 240, "4_before": 120, "5": 180,
    }  # fmt: skip
    assert all(task.low == task.value == task.high for task in found.values())


def test_who_knows_which_but_not_when_is_at_chance_in_the_tasks_of_order() -> None:
    """A bag of words: every caption of two events reads the same."""

    def bag(text: str) -> np.ndarray:
        full = understand(text)
        full[N:] = 0
        return full / np.linalg.norm(full)

    found = zste(sounds(400), reader(bag))
    for name in ("1", "2A", "3A", "2B", "2C", "3C"):
        assert found[name].value == 1
    for name in ("4", "4_before", "4_after", "4_unseen"):
        assert found[name].value == pytest.approx(0.5, abs=0.08)
        assert found[name].low < 0.5 < found[name].high
    assert found["5"].value == pytest.approx(1 / 3, abs=0.06)


def test_a_taste_for_one_order_of_words_gains_nothing() -> None:
    """A model that hears no order and prefers captions whose first event is early in the list."""
    heard = sounds()
    deaf = TemporalSounds(**{**vars(heard), "reverse": heard.forward})
    found = zste(deaf, reader(understand))
    assert [found[name].value for name in ("4", "4_before", "4_after", "4_unseen")] == [0.5] * 4


def test_who_hears_it_the_wrong_way_round_is_never_right() -> None:
    heard = sounds()
    turned = {"forward": heard.reverse, "reverse": heard.forward}
    found = zste(TemporalSounds(**{**vars(heard), **turned}), reader(understand))
    assert found["4"].value == found["4_unseen"].value == 0
    assert found["5"].value == pytest.approx(1 / 3)  # what is at once is still told
    assert found["3A"].value == 1


def test_who_knows_before_alone_fails_at_the_other_words() -> None:
    def strict(text: str) -> np.ndarray:
        return understand(text.replace("after", "then"))

    found = zste(sounds(), reader(strict))
    assert found["4_before"].value == 1
    assert found["4_after"].value == 0
    assert found["4"].value == 0.5


def test_noise_comes_out_at_the_stated_chance() -> None:
    def noise(text: str) -> np.ndarray:
        return np.random.default_rng(zlib.crc32(text.encode())).standard_normal(64)

    rng = np.random.default_rng(5)
    heard = sounds(3_000)
    blank = {
        name: rng.standard_normal((len(getattr(heard, name)), 64))
        for name in ("forward", "reverse", "overlap")
    }
    target = np.tile(np.arange(N), 500)
    blank |= {
        "single": rng.standard_normal((len(target), 64)),
        "single_target": target,
        "single_group": np.arange(len(target)),
    }
    found = zste(TemporalSounds(**{**vars(heard), **blank}), reader(noise))
    for name, task in found.items():
        tolerance = 0.15 if name.endswith("D") else 0.035
        assert task.value == pytest.approx(task.chance, abs=tolerance), name
    assert found["2A"].chance == pytest.approx(1 / 15)
    assert found["2B"].chance == pytest.approx(1 - 6 / 15)
    assert found["2C"].chance == found["3C"].chance == pytest.approx(1 / 9)
    assert found["2D"].chance == 3.5


def test_one_event_found_of_two_counts_in_b_and_half_in_the_rank() -> None:
    heard = sounds()
    first_alone = np.stack([known([i]) + 0.1 * known([(i + 1) % N]) for i in heard.first])
    hears_one = TemporalSounds(**{**vars(heard), "overlap": first_alone})
    found = zste(hears_one, reader(understand))
    missed = float(np.mean(heard.second != (heard.first + 1) % N))
    assert found["2A"].value == pytest.approx(1 - missed)
    assert found["2B"].value == 1
    assert 1.5 < found["2D"].value < 1 + (N - 1) / 2 + 1


def test_ties_fall_by_the_seed_and_captions_take_a_prompt() -> None:
    constant = reader(lambda text: np.ones(DIM, np.float32))
    one, again = (zste(sounds(), constant, seed=3) for _ in range(2))
    assert {k: t.value for k, t in one.items()} == {k: t.value for k, t in again.items()}
    seen: list[str] = []

    def spy(texts: Sequence[str]) -> np.ndarray:
        seen.extend(texts)
        return reader(lambda text: understand(text.rstrip(".").removeprefix("a sound of ")))(texts)

    assert zste(sounds(4), spy, prompt="a sound of {label}.")["4"].value == 1
    assert all(text.startswith("a sound of ") and text.endswith(".") for text in seen)


def test_too_little_is_refused() -> None:
    heard = sounds()
    with pytest.raises(EarShotError, match="at least 3 labels"):
        TemporalSounds(**{**vars(heard), "labels": LABELS[:2]})
    with pytest.raises(EarShotError, match="three versions"):
        TemporalSounds(**{**vars(heard), "overlap": heard.overlap[:3]})
