"""Waveform to frames: log-mel, Kaldi fbank, STFT, fusion views of long clips."""
