from __future__ import annotations

import importlib.util
import shutil

import pytest

from earshot.jobs import doctor as room
from earshot.jobs.doctor import doctor


def test_what_is_there_has_its_version() -> None:
    found = {each.name: each for each in doctor()}
    assert found["numpy"].ok
    assert found["numpy"].version.split(".")[0].isdigit()
    assert found["numpy"].advice == ""


def test_what_is_missing_has_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        room.importlib.util, "find_spec", lambda name: None if name == "av" else find_spec(name)
    )
    monkeypatch.setattr(shutil, "which", lambda name: None)
    found = {each.name: each for each in doctor()}
    assert not found["av"].ok
    assert found["av"].needed
    assert "pip install av" in found["av"].advice
    assert not found["espeak-ng"].ok
    assert not found["espeak-ng"].needed
    assert "formant voice" in found["espeak-ng"].advice


def test_the_network_gate_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_OFFLINE", "1")
    assert {each.name: each for each in doctor()}["network"].version == "closed"
