from __future__ import annotations

from pathlib import Path

import yaml

from loresmith.host import PluginHost
from loresmith.recipe.dump import dump_recipe
from loresmith.recipe.models import Recipe

MINIMAL = {
    "name": "desk",
    "base": "smollm2-135m",
    "instructions": "You answer.\nBriefly, in £ and naïve.\n",
    "knowledge": {"sources": [{"kind": "files", "path": "docs"}]},
    "data": {"examples": [{"kind": "jsonl", "path": "examples.jsonl"}]},
    "training": [{"method": "sft", "rank": 4}],
}


def test_a_dumped_recipe_reads_back_the_same_with_every_default(host: PluginHost, tmp_path: Path) -> None:
    recipe = Recipe.model_validate(MINIMAL)
    text = dump_recipe(recipe, host.registry)
    again = Recipe.model_validate(yaml.safe_load(text))
    assert again.training[0].options["rank"] == 4
    assert again.training[0].options["epochs"] > 0
    assert again.knowledge.chunker.options["size"] > 0
    assert dump_recipe(again, host.registry) == text


def test_texts_of_several_lines_stay_readable(host: PluginHost) -> None:
    text = dump_recipe(Recipe.model_validate(MINIMAL), host.registry)
    assert "instructions: |\n  You answer.\n  Briefly, in £ and naïve.\n" in text
