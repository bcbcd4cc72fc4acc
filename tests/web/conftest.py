"""A server over twelve tones and a model that knows five of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from earshot.jobs.indexing import index
from earshot.web.library import Library
from earshot.web.limits import Limits
from earshot.web.opening import open_libraries
from toy_embedder import ToyEmbedder, write_tones
from web_calls import serving

NAMES = {
    "pets/dog bark.wav": ("dog",),
    "pets/cat.flac": ("cat",),
    "weather/rain.wav": ("rain",),
    "weather/long.wav": ("rain", "rain", "bell", "rain"),
    "0001.wav": ("bell",),
    "0002.aiff": ("car",),
    "0003.wav": ("car", "dog"),
}


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An indexed folder."""
    folder = tmp_path_factory.mktemp("sounds")
    write_tones(folder, NAMES)
    index(folder, model=ToyEmbedder())
    return folder


@pytest.fixture(scope="session")
def libraries(sounds: Path) -> list[Library]:
    return open_libraries(sounds, models=[ToyEmbedder()])


@pytest.fixture(scope="session")
def client(libraries: list[Library]) -> Iterator[TestClient]:
    """A client of the application, its background work running."""
    with serving(libraries) as client:
        yield client


@pytest.fixture
def strict(libraries: list[Library]) -> Iterator[TestClient]:
    """A client of a server that takes little."""
    limits = Limits(max_upload_mb=0.05, max_sound_s=3.0, body_timeout_s=0.5, max_uploads=1)
    with serving(libraries, limits=limits) as client:
        yield client
