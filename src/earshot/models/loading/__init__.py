"""Published checkpoints as two-tower models: `transformers` folders, LAION .pt, Microsoft .pth."""

from earshot.models.loading.foreign import fetch, load_foreign, read_foreign
from earshot.models.loading.save_transformers import save_transformers

__all__ = ["fetch", "load_foreign", "read_foreign", "save_transformers"]
