"""A short digest that says which model, front end and windowing made a number."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def fingerprint(facts: Mapping[str, Any], tensors: Mapping[str, Any] | None = None) -> str:
    """16 hex digits of plain facts and, where given, of every tensor's name, shape and bytes."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for name in sorted(tensors or {}):
        value = (tensors or {})[name].detach().cpu().contiguous()
        digest.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        flat = value.reshape(-1)
        if flat.numel():
            import torch

            digest.update(memoryview(flat.view(torch.uint8).numpy()))
    return digest.hexdigest()[:16]
