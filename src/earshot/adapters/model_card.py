"""A model's card: YAML facts for the hub's search, and words for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

from earshot.core.checkpoint import Checkpoint

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

TAGS = ("earshot", "audio", "audio-text", "zero-shot", "retrieval")
OWN = """```python
import earshot

model = earshot.load("{title}")  # the folder, or OWNER/NAME once it is on a hub
earshot.tag(["door.wav"], labels=["a dog barking", "a door closing"], model=model)
```
"""
CLAP = """```python
from transformers import ClapModel, ClapProcessor

model, processor = ClapModel.from_pretrained("{title}"), ClapProcessor.from_pretrained("{title}")
```

EarShot reads it as well, without random crops: `earshot.load("{title}")`.
"""


def model_card(
    embedder: Embedder,
    title: str,
    *,
    form: Literal["earshot", "clap"],
    license: str | None = None,
    checkpoint: Checkpoint | None = None,
) -> str:
    """The text of README.md. Nothing is claimed that the checkpoint does not hold."""
    n_parameters = sum(value.numel() for value in embedder.model.parameters())
    extra = checkpoint.extra if checkpoint is not None else {}
    facts = [
        f"- It hears {embedder.sample_rate} Hz in windows of {embedder.window_s:g} s, "
        f"one every {embedder.hop_s:g} s; a longer sound is the mean of its windows.",
        f"- Embeddings have {embedder.dim} numbers and unit length; cosines are multiplied by "
        f"{embedder.scale:.1f} before a softmax.",
        f"- {n_parameters:,} parameters; fingerprint `{embedder.fingerprint}`.",
    ]
    if checkpoint is not None:
        facts.append(f"- Trained by EarShot's recipe `{checkpoint.recipe}`.")
    parts = [
        _front_matter(form, license),
        f"# {title}\n",
        "Sounds and sentences as vectors of one space: what belongs together lies close.\n",
        (OWN if form == "earshot" else CLAP).format(title=title),
        "\n".join(facts) + "\n",
    ]
    figures = extra.get("figures")
    if figures:
        rows = [f"| {name} | {value:.4g} |" for name, value in sorted(figures.items())]
        head = ["Measured on the test split of its training run:", "", "| figure | |", "|---|---|"]
        parts.append("\n".join([*head, *rows]) + "\n")
    return "\n".join(parts)


def _front_matter(form: str, license: str | None) -> str:
    """The YAML head; strings are quoted as JSON, which YAML reads."""
    lines = [f"library_name: {'earshot' if form == 'earshot' else 'transformers'}"]
    lines += ["pipeline_tag: feature-extraction", "tags:"]
    lines += [f"- {tag}" for tag in TAGS]
    if license:
        lines.append(f"license: {json.dumps(license)}")
    return "\n".join(["---", *lines, "---", ""])
