from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth.language_family import HEARD_IN_TEST, LanguageFamily, LanguageFamilyConfig


def test_languages_share_what_they_should() -> None:
    family = LanguageFamily(3)
    phones = {name: set(each.phones) for name, each in family.languages.items()}
    known = phones["a"] | phones["b"]
    assert len(phones["a"] & phones["b"]) == 9
    assert len(phones["t"] & known) == 11  # 0.7 of 16
    assert len(phones["t"] & phones["r"]) == 14
    assert len(phones["t"] & phones["u"]) == 3
    same = family.languages["t"].follows == family.languages["r"].follows
    assert np.all(same)


def test_test_speakers_are_heard_nowhere_else_and_the_tape_is_the_target_s() -> None:
    family = LanguageFamily(3)
    test = {each.speaker for each in family.utterances("t", "test", 12)}
    train = family.utterances("t", "train", 12)
    assert test == set(HEARD_IN_TEST)
    assert not test & {each.speaker for each in train}
    others = [i for i in range(6) if i not in HEARD_IN_TEST]
    clean = [family.languages[n].utterances(3, "train", speakers=others) for n in ("t", "a")]
    tape = [family.utterances(n, "train", 3) for n in ("t", "a")]
    assert [each.phones for each in tape[0]] == [each.phones for each in clean[0]]
    assert not np.allclose(tape[0][0].waveform, clean[0][0].waveform)
    assert np.array_equal(tape[1][0].waveform, clean[1][0].waveform)


def test_a_seed_is_a_family() -> None:
    one, same, other = LanguageFamily(1), LanguageFamily(1), LanguageFamily(2)
    said = [each.utterances("t", "train", 2)[1] for each in (one, same, other)]
    assert np.array_equal(said[0].waveform, said[1].waveform)
    assert said[0].phones == said[1].phones != said[2].phones


def test_too_few_speakers_are_refused() -> None:
    config = LanguageFamilyConfig()
    with pytest.raises(EarShotError, match="two of them for the test alone"):
        replace(config, speech=replace(config.speech, n_speakers=3))
