"""Models to pre-train: an encoder with the heads and losses that teach it, and go afterwards."""
