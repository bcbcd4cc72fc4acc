from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

from earshot.training.fit import CHECKPOINTS
from earshot.training.run_log import read_log
from earshot.training.run_state import checkpoints
from training.parallel_fit import main

PROGRAM = Path(__file__).with_name("parallel_fit.py")


def trained(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "final.pt", weights_only=True)


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    main(tmp_path / "one")
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    source = Path(__file__).parents[2] / "src"
    subprocess.run(
        [sys.executable, *launcher, str(PROGRAM), str(tmp_path / "two")],
        env={**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
    )
    one, two = trained(tmp_path / "one"), trained(tmp_path / "two")
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=1e-5, rtol=0, msg=name)
    losses = [[row["loss"] for row in read_log(tmp_path / name)] for name in ("one", "two")]
    torch.testing.assert_close(*map(torch.tensor, losses), atol=1e-4, rtol=0)
    newest = checkpoints(tmp_path / "two" / CHECKPOINTS)[-1]
    assert len(list(newest.glob("random_states_*.pkl"))) == 2
