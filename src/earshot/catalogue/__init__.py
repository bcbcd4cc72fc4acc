"""What the field has, in one taxonomy: models, objectives, tasks, data sets, benchmarks."""

from earshot.catalogue.entry import ARCHITECTURES, KINDS, STAGES, Entry
from earshot.catalogue.origins import origins_of, shared_origins
from earshot.catalogue.reading import Catalogue, catalogue
from earshot.catalogue.standing import commands_of, presets_of, recipe_of, stands, status_of

__all__ = [
    "ARCHITECTURES",
    "KINDS",
    "STAGES",
    "Catalogue",
    "Entry",
    "catalogue",
    "commands_of",
    "origins_of",
    "presets_of",
    "recipe_of",
    "shared_origins",
    "stands",
    "status_of",
]
