"""Pre-training models: an encoder with the heads that teach it, left out of what is kept."""
