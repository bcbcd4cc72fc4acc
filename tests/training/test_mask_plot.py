from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.training.mask_plot import KEPT, LEFT, MASK, SHADE, WIDTH, MaskedSeries, mask_plot


def test_a_panel_shades_the_motif_and_draws_the_mask() -> None:
    focus = np.arange(10) // 2 == 1  # steps 2 and 3
    row = MaskedSeries(np.random.default_rng(0).normal(size=(3, 10)), focus * 1.0, focus, "class 5")
    text = mask_plot([row, row], title="What is kept")
    assert text == mask_plot([row, row], title="What is kept")
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    shades = [each for each in root.iter(f"{space}rect") if each.get("fill") == SHADE]
    assert len(shades) == 2
    assert float(shades[0].get("x", 0)) == pytest.approx(LEFT + 2 * WIDTH / 10)
    assert float(shades[0].get("width", 0)) == pytest.approx(2 * WIDTH / 10)
    masks = [each for each in root.iter(f"{space}path") if each.get("fill") == KEPT]
    base = float(masks[0].get("d", "").split("V")[1].split("H")[0])  # the first step is dropped
    kept = float(masks[0].get("d", "").split("V")[3].split("H")[0])  # the third is kept
    assert base - kept == pytest.approx(MASK - 2)
    assert len(list(root.iter(f"{space}path"))) == 2 * (3 + 1)
    assert "class 5" in text


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(EarShotError, match="no series"):
        mask_plot([], title="x")
