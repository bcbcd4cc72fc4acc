from __future__ import annotations

import numpy as np
import pytest
from torchmetrics.functional.text import word_error_rate as library

from earshot.core.errors import EarShotError
from earshot.metrics.word_errors import edits, word_error_rate


def test_it_is_the_library_s() -> None:
    draw = np.random.default_rng(0)
    for _ in range(20):
        references = [" ".join(draw.choice(list("abcd"), draw.integers(1, 7))) for _ in range(4)]
        written = [" ".join(draw.choice(list("abcd"), draw.integers(0, 7))) for _ in range(4)]
        assert word_error_rate(references, written) == pytest.approx(
            library(written, references).item()
        )


def test_edits_of_known_words() -> None:
    assert edits("kitten", "sitting") == 3
    assert edits("", "abc") == edits("abc", "") == 3
    assert edits("same", "same") == 0


def test_faults_are_sentences() -> None:
    with pytest.raises(EarShotError, match="1 references of 1 words and 2 transcripts"):
        word_error_rate(["a"], ["a", "b"])
    with pytest.raises(EarShotError, match="words to compare"):
        word_error_rate([""], ["a"])
