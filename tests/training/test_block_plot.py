from xml.etree import ElementTree

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.training.block_plot import HIDDEN, block_plot


def test_hidden_patches_are_grey_in_their_place() -> None:
    patches = np.arange(6.0).reshape(3, 2)
    mask = np.array([[True, False], [False, False], [False, True]])
    text = block_plot(patches, [mask], title="What is kept")
    assert text == block_plot(patches, [mask], title="What is kept")
    shapes = [e for e in ElementTree.fromstring(text) if e.get("fill", "").startswith("#")]
    grey = [i for i, shape in enumerate(shapes) if shape.get("fill") == HIDDEN]
    assert grey == [0, 7]  # under the whole, and under the pupil
    whole = {(e.get("x"), e.get("y")): e.get("fill") for e in shapes[1:7]}
    seen = shapes[8:]
    assert len(whole) == 6
    assert len(seen) == 4
    below = float(seen[0].get("y")) - float(shapes[2].get("y"))  # the same patch, a panel lower
    places = [(e.get("x"), f"{float(e.get('y')) - below:g}") for e in seen]
    assert [whole[place] for place in places] == [e.get("fill") for e in seen]
    assert len(set(whole.values())) == 6
    assert float(shapes[1].get("y")) > float(shapes[2].get("y"))  # low bands below


def test_a_mask_of_another_shape_is_a_sentence() -> None:
    with pytest.raises(EarShotError, match="one mask or more"):
        block_plot(np.zeros((3, 2)), [np.zeros((2, 2), bool)], title="x")
