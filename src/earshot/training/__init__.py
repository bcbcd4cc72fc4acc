"""The training loop over accelerate, schedules, checkpoints, and the claim bench."""
