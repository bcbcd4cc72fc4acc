from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.models.loading.foreign import load_foreign
from earshot.models.loading.weights import Placement, read_torch, tensors_of


class Payload:
    """A pickle that would make a directory when it is read."""

    def __init__(self, path: str):
        self.path = path

    def __reduce__(self) -> tuple:
        return (os.mkdir, (self.path,))


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "it ran"
    state = {"audio_branch.bn0.weight": torch.ones(2), "x": Payload(str(trap))}
    torch.save({"state_dict": state}, tmp_path / "zip.pt")
    torch.save({"state_dict": state}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Payload(str(trap))))
    for name in ("zip.pt", "old.pt", "bare.pth"):
        with pytest.raises(EarShotError, match="Nothing of it was run"):
            load_foreign(tmp_path / name)
    assert not trap.exists()
    torch.load(tmp_path / "zip.pt", weights_only=False)
    assert trap.exists()  # the trap itself works


def test_numpy_numbers_beside_the_weights_are_data(tmp_path: Path) -> None:
    held = {"loss": np.float64(0.25), "step": np.int64(7), "w": torch.arange(3)}
    torch.save(held, tmp_path / "a.pt")
    again = read_torch(tmp_path / "a.pt")
    assert (again["loss"], again["step"]) == (0.25, 7)
    assert torch.equal(again["w"], torch.arange(3))


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", b"PK\x03\x04broken", b"\x80\x02."])
def test_files_that_are_no_checkpoints_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(EarShotError):
        load_foreign(tmp_path / "a.pt")


def test_a_checkpoint_cut_short_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {"w": torch.randn(1000)}}, tmp_path / "a.pt")
    whole = (tmp_path / "a.pt").read_bytes()
    (tmp_path / "a.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EarShotError, match="checkpoint|data"):
        load_foreign(tmp_path / "a.pt")
    assert zipfile.is_zipfile(tmp_path / "a.pt") is False


def test_a_state_dict_of_something_else_is_told_apart(tmp_path: Path) -> None:
    torch.save({"visual.conv1.weight": torch.ones(2)}, tmp_path / "clip.pt")
    with pytest.raises(EarShotError, match="visual.conv1.weight"):
        load_foreign(tmp_path / "clip.pt")
    torch.save([1, 2, 3], tmp_path / "list.pt")
    with pytest.raises(EarShotError, match="no tensors by name"):
        load_foreign(tmp_path / "list.pt")


def test_state_dicts_are_found_bare_and_wrapped() -> None:
    bare = {"module.a": torch.ones(1)}
    for held in (bare, {"state_dict": bare}, {"model": bare, "iteration": 3}):
        assert list(tensors_of(held, Path("x"))) == ["a"]


def test_shapes_and_missing_weights_are_named() -> None:
    model = torch.nn.Linear(2, 3)
    placement = Placement()
    placement.put("old.w", {"weight": torch.ones(2, 3)})
    placement.put("old.b", {"bias": torch.ones(3)})
    with pytest.raises(EarShotError, match=r"old.w \[2, 3\] for \[3, 2\]"):
        placement.place_into(model, Path("x"))
    placement = Placement()
    placement.put("old.w", {"weight": torch.ones(3, 2)})
    placement.put("old.c", {"nowhere": torch.ones(3)})
    with pytest.raises(EarShotError, match="without: bias"):
        placement.place_into(model, Path("x"))
    assert placement.unexpected == ["old.c"]
