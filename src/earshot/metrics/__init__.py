"""Outputs and references to the number that a table prints."""

from earshot.metrics.bootstrap import Interval, mean_interval, statistic_interval
from earshot.metrics.label_curves import LabelCurves, MultiLabel, multi_label
from earshot.metrics.resampling import Resampled, paired_intervals, resample
from earshot.metrics.retrieval import Retrieval, audio_to_text, text_to_audio
from earshot.metrics.twins import TRIPLE_CHANCE, TWIN_CHANCE, TwinScores, twin_scores
from earshot.metrics.weighted import weighted_class_means, weighted_mean, weighted_median
from earshot.metrics.zero_shot import (
    accuracy,
    balanced_accuracy,
    confusion,
    per_class_accuracy,
    true_label_ranks,
)

__all__ = [
    "TRIPLE_CHANCE",
    "TWIN_CHANCE",
    "Interval",
    "LabelCurves",
    "MultiLabel",
    "Resampled",
    "Retrieval",
    "TwinScores",
    "accuracy",
    "audio_to_text",
    "balanced_accuracy",
    "confusion",
    "mean_interval",
    "multi_label",
    "paired_intervals",
    "per_class_accuracy",
    "resample",
    "statistic_interval",
    "text_to_audio",
    "true_label_ranks",
    "twin_scores",
    "weighted_class_means",
    "weighted_mean",
    "weighted_median",
]
