from __future__ import annotations

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.layers.subject_layer import SubjectLayer


def test_each_row_is_mixed_by_its_subject_s_matrix() -> None:
    torch.manual_seed(0)
    layer = SubjectLayer(3, 4, 5)
    brain, subject = torch.randn(6, 4, 7), torch.tensor([0, 2, 1, 1, 0, 2])
    found = layer(brain, subject)
    for row in range(6):
        matrix = layer.weights[subject[row]]
        torch.testing.assert_close(found[row], matrix.T @ brain[row])


def test_only_the_heard_subjects_learn() -> None:
    layer = SubjectLayer(3, 4)
    layer(torch.randn(2, 4, 5), torch.tensor([0, 2])).square().sum().backward()
    moved = layer.weights.grad.abs().sum((1, 2)) > 0
    assert moved.tolist() == [True, False, True]


def test_matrices_start_with_the_variance_that_keeps_a_signal_s_size() -> None:
    torch.manual_seed(0)
    layer = SubjectLayer(2, 200)
    assert layer.weights.std().item() == pytest.approx(200**-0.5, rel=0.02)


@pytest.mark.parametrize("subject", [3, -1])
def test_a_subject_without_a_matrix_is_refused(subject: int) -> None:
    with pytest.raises(EarShotError, match=f"subject {subject}; expected 0 to 2"):
        SubjectLayer(3, 4)(torch.zeros(1, 4, 5), torch.tensor([subject]))
