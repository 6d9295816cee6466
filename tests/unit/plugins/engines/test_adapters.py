"""Adapters come and go on one base model, which stays what it was to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import ModelError
from loresmith_plugins.engines.transformers.adapters import Adapters
from loresmith_plugins.engines.transformers.load import load_model
from tiny_models import write_adapter
from tiny_stage import plain_model


@pytest.fixture
def base(chat_model: Path) -> Any:
    return load_model(chat_model).model


def logits(model: Any) -> Any:
    import torch

    with torch.no_grad():
        return model(input_ids=torch.arange(3, 60)[None]).logits


def unmerged(chat_model: Path, adapter: Path) -> Any:
    """Return the logits with the adapter beside the base, as PEFT runs it."""
    return logits(plain_model(chat_model, adapter).eval())


VARIANTS: dict[str, dict[str, Any]] = {
    "lora": {},
    "rslora": {"use_rslora": True},
    "dora": {"use_dora": True},
    "with a norm of its own": {"modules_to_save": ["norm"], "target_modules": ["q_proj", "up_proj"]},
}


def weights(model: Any) -> dict[str, Any]:
    """Return copies of the base's own weights under the names they have without adapters."""
    found = {name.replace(".base_layer", ""): weight.clone() for name, weight in model.state_dict().items()}
    return {name: weight for name, weight in found.items() if "lora_" not in name}


def test_switching_there_and_back_leaves_the_base_as_it_was(base: Any, adapters: tuple[Path, Path]) -> None:
    import torch

    switch = Adapters(base)
    before, said = weights(base), logits(base)
    for adapter in adapters:
        assert not torch.allclose(logits(switch.use(adapter)), said, atol=0.1)
        assert torch.equal(logits(switch.use(None)), said)
        after = weights(base)
        assert after.keys() == before.keys()
        assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_switched_model_says_what_peft_says(base: Any, adapters: tuple[Path, Path], chat_model: Path) -> None:
    import torch

    switch = Adapters(base)
    for adapter in (*adapters, adapters[0]):
        assert torch.allclose(logits(switch.use(adapter)), unmerged(chat_model, adapter), atol=1e-4, rtol=1e-4)


def test_two_adapters_swap_without_being_read_again(base: Any, adapters: tuple[Path, Path], tmp_path: Path) -> None:
    import shutil

    import torch

    one, two = (Path(shutil.copytree(adapter, tmp_path / adapter.name)) for adapter in adapters)
    switch = Adapters(base)
    first, second = logits(switch.use(one)), logits(switch.use(two))
    shutil.rmtree(one)
    shutil.rmtree(two)
    assert torch.equal(logits(switch.use(one)), first)
    assert torch.equal(logits(switch.use(two)), second)


def test_the_same_adapter_again_costs_nothing_and_adds_nothing(base: Any, adapters: tuple[Path, Path]) -> None:
    import torch

    switch = Adapters(base)
    once = logits(switch.use(adapters[0]))
    assert torch.equal(logits(switch.use(adapters[0])), once)


def test_an_adapter_that_cannot_be_read_leaves_base_and_others_usable(
    base: Any, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    import torch

    switch = Adapters(base)
    said = logits(base)
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}', encoding="utf-8")
    adapted: list[Any] = []
    for adapter in adapters:
        for broken, lacks in ((tmp_path / "nowhere", "adapter_config.json"), (tmp_path, "adapter_model.safetensors")):
            with pytest.raises(ModelError, match=f'the adapter "{broken}" cannot be loaded: there is no {lacks}'):
                switch.use(broken)
            assert torch.equal(logits(switch.model), said)
        adapted.append(logits(switch.use(adapter)))
    assert torch.equal(logits(switch.use(adapters[0])), adapted[0])
    assert not torch.equal(adapted[0], adapted[1])


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_every_variant_says_what_peft_says_and_leaves_nothing_behind(
    base: Any, adapters: tuple[Path, Path], chat_model: Path, tmp_path: Path, variant: dict[str, Any]
) -> None:
    import torch

    said, plain = logits(base), unmerged(chat_model, adapters[0])
    adapter = write_adapter(tmp_path / "variant", chat_model, 5, **variant)
    switch = Adapters(base)
    for _ in range(2):
        assert torch.allclose(logits(switch.use(adapter)), unmerged(chat_model, adapter), atol=1e-4, rtol=1e-4)
        assert torch.allclose(logits(switch.use(adapters[0])), plain, atol=1e-4, rtol=1e-4)
        assert torch.equal(logits(switch.use(None)), said)


@pytest.mark.parametrize("adapter", [0, 1])
def test_an_adapter_beside_the_base_says_what_it_says_merged(
    base: Any, adapters: tuple[Path, Path], adapter: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    switch = Adapters(base)
    merged = logits(switch.use(adapters[adapter]))
    monkeypatch.setattr(Adapters, "_can_merge", lambda *_: False)
    switch.use(None)
    assert torch.allclose(logits(switch.use(adapters[adapter])), merged, atol=1e-4, rtol=1e-4)


def test_an_adapter_of_weights_that_its_init_rewrote_is_refused(
    base: Any, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    import json
    import shutil

    import torch

    said = logits(base)
    rewritten = Path(shutil.copytree(adapters[0], tmp_path / "rewritten"))
    config = json.loads((rewritten / "adapter_config.json").read_text(encoding="utf-8"))
    (rewritten / "adapter_config.json").write_text(json.dumps(config | {"init_lora_weights": "pissa_niter_4"}))
    switch = Adapters(base)
    with pytest.raises(ModelError, match='relative to weights that "pissa_niter_4" made'):
        switch.use(rewritten)
    assert torch.equal(logits(switch.model), said)


def test_an_adapter_that_is_not_finite_is_refused_and_the_base_stays(
    base: Any, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    said = logits(base)
    broken = Path(shutil.copytree(adapters[0], tmp_path / "broken"))
    held = load_file(broken / "adapter_model.safetensors")
    name = sorted(held)[-1]
    save_file({**held, name: held[name] * float("nan")}, broken / "adapter_model.safetensors", {"format": "pt"})
    switch = Adapters(base)
    with pytest.raises(ModelError, match=f'the adapter "{broken}" cannot be merged'):
        switch.use(broken)
    assert torch.equal(logits(switch.model), said)
    assert not torch.equal(logits(switch.use(adapters[1])), said)
