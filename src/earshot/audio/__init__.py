"""File, bytes or array to waveform, and back: read, probe, resample, stream, write, augment."""
