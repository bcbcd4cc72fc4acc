"""Outputs and references to the number that a table prints."""

from earshot.metrics.bootstrap import Interval, mean_interval, statistic_interval
from earshot.metrics.retrieval import Retrieval, audio_to_text, text_to_audio
from earshot.metrics.twins import TRIPLE_CHANCE, TWIN_CHANCE, TwinScores, twin_scores
from earshot.metrics.zero_shot import (
    MultiLabel,
    accuracy,
    balanced_accuracy,
    confusion,
    multi_label,
    per_class_accuracy,
    true_label_ranks,
)

__all__ = [
    "TWIN_CHANCE",
    "TRIPLE_CHANCE",
    "Interval",
    "MultiLabel",
    "Retrieval",
    "TwinScores",
    "accuracy",
    "audio_to_text",
    "balanced_accuracy",
    "confusion",
    "mean_interval",
    "multi_label",
    "per_class_accuracy",
    "statistic_interval",
    "text_to_audio",
    "true_label_ranks",
    "twin_scores",
]
