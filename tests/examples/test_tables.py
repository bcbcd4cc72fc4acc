"""The examples with tables of others: each runs, and what it writes holds together."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import earshot
from earshot.models.embedder import Embedder
from earshot.recipes import clap

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def model() -> Embedder:
    torch.manual_seed(0)
    return Embedder(clap.build(clap.Config.small()), "untrained")


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_datasets_column_is_embedded(
    tmp_path: Path, model: Embedder, capsys: pytest.CaptureFixture[str]
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs pip install 'earshot[data]'")
    script = example("hf_datasets")
    rows = script.main(tmp_path, model)
    assert len(rows) == script.N_SOUNDS
    assert set(rows["guess"][:]) <= set(rows["label"][:])
    paths = [row["audio"]["path"] for row in rows]
    for row, path in zip(rows.select(range(3)), paths, strict=False):
        [own] = earshot.embed(path, model=model)
        np.testing.assert_allclose(row["embedding"], own.vector, atol=1e-5)
    printed = capsys.readouterr().out
    assert f"of {script.N_SOUNDS} sounds named right" in printed
    assert len(printed.splitlines()) == 4
    written = datasets.Dataset.from_parquet(
        str(tmp_path / "embedded.parquet"), cache_dir=str(tmp_path / "cache")
    )
    assert {"audio", "label", "embedding", "guess"} <= set(written.column_names)


def test_a_pandas_table_is_tagged(
    tmp_path: Path, model: Embedder, capsys: pytest.CaptureFixture[str]
) -> None:
    pd = pytest.importorskip("pandas", reason="needs pip install pandas")
    script = example("pandas_table")
    table = script.main(tmp_path, model)
    assert len(table) == script.N_SOUNDS + 1
    [broken] = table[table["error"].notna()].itertuples()
    assert "broken.wav" in broken.path
    assert broken.vector is None
    assert pd.isna(broken.score)
    heard = table[table["error"].isna()]
    assert heard["guess"].isin(table["label"]).all()
    assert heard["score"].between(0, 1).all()
    assert f"{script.N_SOUNDS} sounds, 1 failed" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "tagged.csv")) == len(table)
