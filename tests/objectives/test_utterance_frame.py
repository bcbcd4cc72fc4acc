import torch

from earshot.objectives.utterance_frame import averaged_targets, frame_loss, utterance_loss


def test_targets_are_normalised_over_tokens_averaged_and_normalised_over_channels() -> None:
    torch.manual_seed(0)
    added = [torch.randn(2, 7, 6) * scale + scale for scale in (1.0, 40.0, 0.3)]
    each = []
    for layer in added:  # channel by channel of each clip
        mean = layer.mean(1, keepdim=True)
        spread = (layer.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
        each.append((layer - mean) / spread)
    mean = sum(each) / 3
    centred = mean - mean.mean(-1, keepdim=True)
    wanted = centred / (mean.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
    found = averaged_targets(added)
    torch.testing.assert_close(found, wanted)
    # every block counts alike, whatever its scale, and clips do not touch one another
    torch.testing.assert_close(averaged_targets([each[:1] for each in added]), found[:1])
    louder = [added[0], added[1] * 100 + 5, added[2]]
    torch.testing.assert_close(averaged_targets(louder), found, atol=1e-3, rtol=1e-3)
    assert not averaged_targets([added[0].requires_grad_()]).requires_grad


def test_losses_are_mean_squares_over_the_root_of_the_width() -> None:
    torch.manual_seed(0)
    told, targets = torch.randn(2, 5, 16), torch.randn(2, 5, 16)
    hidden = torch.tensor([[True, False, True, False, False], [False, True, False, False, True]])
    wanted = sum(
        float((told[b, t] - targets[b, t]).square().mean()) for b, t in hidden.nonzero().tolist()
    )
    torch.testing.assert_close(frame_loss(told, targets, hidden), torch.tensor(wanted / 4 / 4))
    seen = told.clone()
    seen[~hidden] += 9.0  # what is seen does not count
    torch.testing.assert_close(frame_loss(seen, targets, hidden), frame_loss(told, targets, hidden))
    token = torch.randn(2, 16)
    mean = targets.mean(1)
    torch.testing.assert_close(utterance_loss(token, targets), (token - mean).square().mean() / 4)
    assert float(utterance_loss(mean, targets)) == 0.0
