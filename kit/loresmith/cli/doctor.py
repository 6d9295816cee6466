"""What `doctor` found, as text. The app shows the machine on its first screen, so nothing slow is imported above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loresmith.cli.errors import plain
from loresmith.cli.table import table

WAYS = {"lora": "adapters", "qlora": "in 4 bit", "none": "all weights"}
"""What is trained, by the name that the option `adapter` has for it."""


def doctor_text(found: Mapping[str, Any]) -> str:
    """Return the machine, what is installed, what failed, and the largest model that each method can train."""
    blocks = [machine_text(found["machine"]), _installed(found), _models(found), _failures(found), _methods(found)]
    return "\n\n".join(block for block in blocks if block)


def machine_text(machine: Mapping[str, Any]) -> str:
    """Return the machine in one line."""
    accelerators = ", ".join(machine["accelerators"]) or "no accelerator"
    cores = f"{machine['cores']} core{'' if machine['cores'] == 1 else 's'}"
    return plain(f"{machine['cpu']}, {cores}, {machine['memory'] / 2**30:.0f} GiB, {accelerators}")


def _installed(found: Mapping[str, Any]) -> str:
    lines = [f"loresmith {found['versions']['loresmith']}, Python {found['versions']['python']}"]
    for extra in found["extras"]:
        state = f'lacks {", ".join(extra["missing"])}: pip install "loresmith[{extra["name"]}]"'
        lines.append(f"  {extra['name']}: {state if extra['missing'] else 'all there'}")
    names = ("torch", "transformers", "peft", "trl", "chromadb", "langchain-core", "textual")
    versions = {name: found["versions"].get(name, "") for name in names}
    lines.append("  " + ", ".join(f"{name} {version}" for name, version in versions.items() if version))
    return plain("\n".join(lines))


def _models(found: Mapping[str, Any]) -> str:
    lines = [f"  {m['name']} ({m['kind']}): {'here' if m['here'] else 'not fetched yet'}" for m in found["models"]]
    return plain("\n".join(["models", *lines])) if lines else ""


def _failures(found: Mapping[str, Any]) -> str:
    loaded = sum(each["state"] == "loaded" for each in found["plugins"])
    others = [each for each in found["plugins"] if each["state"] != "loaded"]
    lines = [f"  {each['name']}: {each['state']}{': ' if each['error'] else ''}{each['error']}" for each in others]
    return plain("\n".join([f"{loaded} plugins loaded, {len(others)} not", *lines]))


def _methods(found: Mapping[str, Any]) -> str:
    from loresmith.doctor import BATCH, LENGTH

    if not found["methods"]:
        return ""
    head = f"the largest model that each method can train here ({LENGTH} tokens a row, {BATCH} rows a step)"
    rows = list(_rows(found))
    if len({on for _, on, _ in rows}) == 1:
        return f"{head}\n{table(('method', 'largest'), [(method, largest) for method, _, largest in rows])}"
    return f"{head}\n{table(('method', 'on', 'largest'), rows)}"


def _rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    from loresmith.estimate.published import SIZES

    under = f"under {next(iter(SIZES))}"
    for method in found["methods"]:
        for device in method["devices"]:
            sizes = (f"{WAYS[way]} {size or under}" for way, size in device["largest"].items())
            yield method["name"], device["on"].removeprefix("this machine: "), ", ".join(sizes)
