"""The recipe as a form: a row for every key it may have, the options of its components read off their plugins' models.

A recipe may be wrong in any way and still has a form; what is wrong with it is the check's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from loresmith.errors import PluginError
from loresmith.recipe.fields import Shape, holds_list, holds_names, kind_of, model_of
from loresmith.recipe.models import Base, Component, Recipe, Stage
from loresmith.recipe.named import NamedPart, named_parts
from loresmith.recipe.places import wanted_at
from loresmith.recipe.positions import KeyPath, key_path
from loresmith.registry import Registry
from loresmith.specs import EngineSpec, Gives, MethodSpec, SourceSpec, Spec

RowShape = Literal[Shape, "part", "list", "bases", "group"]
"""`part` is a component, `list` a list of them, `bases` the knowledge bases by name, `group` a mapping of settings."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that may be chosen, and what it is."""

    name: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """What must stand in the text before something within it can: a component of which only the default is known."""

    path: KeyPath
    value: Any


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the form.

    Args:
        path: Key path of the value.
        value: What holds: what is written, else the default.
        given: Whether it is written.
        help: What it is for.
        takes: What may stand here, in words.
        wanted: The kind of plugin that a component, or a list of them, is of.
        key: The key that names a component: `kind` or `method`.
        item: Whether it is one of a list.
        bare: Whether an item may be a name alone.
        holders: What must be written before it can be, the outermost first.
    """

    path: KeyPath
    shape: RowShape
    depth: int = 0
    value: Any = None
    given: bool = False
    default: Any = None
    required: bool = False
    optional: bool = False
    help: str = ""
    takes: str = ""
    choices: tuple[Choice, ...] = ()
    wanted: type[Spec] | None = None
    key: str = ""
    item: bool = False
    bare: bool = False
    holders: tuple[Holder, ...] = ()

    @property
    def name(self) -> str:
        """What the row is called: its key, or its number in a list."""
        return str(self.path[-1] + 1) if isinstance(self.path[-1], int) else self.path[-1]

    @property
    def where(self) -> str:
        """The key path as people write it."""
        return key_path(self.path)


def form_of(recipe: Any, registry: Registry) -> list[Row]:
    """Return the rows of a recipe's form, in the order of its keys.

    Args:
        recipe: The recipe as plain values; it may be wrong.
        registry: The components there are.
    """
    return list(_Form(registry).section(Recipe, recipe, Row((), "group", -1)))


@dataclass(frozen=True, slots=True)
class _Form:
    registry: Registry

    def section(self, model: type[BaseModel], values: Any, around: Row) -> Iterator[Row]:
        """Yield the rows of a model's fields, then of what is written beside them; `values` are what is written."""
        given = values if isinstance(values, Mapping) else {}
        named = named_parts(model, given) if around.key else {}
        for name, info in model.model_fields.items():
            yield from self._field(_row(name, info, given, around), info, named.get(name, {}))
        yield from _unknown(given, set(model.model_fields), around)

    def _field(self, row: Row, info: FieldInfo, named: Mapping[KeyPath, NamedPart]) -> Iterator[Row]:
        wanted, inner = wanted_at(row.path), model_of(info)
        if wanted and holds_list(info):
            yield from self._list(replace(row, bare=holds_names(info)), *wanted)
        elif wanted:
            yield from self._part(row, *wanted)
        elif named:
            yield from self._named(row, named)
        elif row.path == ("knowledge", "bases"):
            yield from self._bases(row)
        elif inner and not issubclass(inner, Component):
            yield replace(row, shape="group")
            yield from self.section(inner, row.value if row.given else None, row)
        elif row.path == ("base",):
            yield replace(row, choices=tuple(self._presets()))
        else:
            yield row

    def _presets(self) -> Iterator[Choice]:
        for spec in self.registry.of(EngineSpec):
            yield from (Choice(each.name, each.summary) for each in spec.presets if each.kind == "chat")

    # ------------------------------------------------------------------------------------------------- components

    def _list(self, row: Row, wanted: type[Spec], gives: Gives | None) -> Iterator[Row]:
        yield replace(row, shape="list", choices=self._choices(wanted, gives), wanted=wanted, key=_key(wanted))
        holders = (*row.holders, Holder(row.path, row.default or []))
        for number, entry in enumerate(row.value if isinstance(row.value, list) else ()):
            item = Row((*row.path, number), "part", row.depth + 1, entry, row.given, help=row.help, holders=holders)
            yield from self._part(replace(item, item=True, bare=row.bare), wanted, gives)

    def _part(self, row: Row, wanted: type[Spec], gives: Gives | None) -> Iterator[Row]:
        """Yield a component's row and those of its options; the row's value is the component as it is written."""
        key, mapping = _key(wanted), _mapping(row.value, _key(wanted))
        name = mapping.get(key)
        try:
            spec = self.registry.get(wanted, name) if isinstance(name, str) else None
        except PluginError:
            spec = None
        about = f"{row.help}: {spec.summary}" if spec else row.help
        choices = self._choices(wanted, gives)
        part = replace(row, shape="part", value=name, choices=choices, wanted=wanted, key=key, help=about, takes="")
        yield part
        within = replace(part, holders=(*row.holders, Holder(row.path, mapping)))
        options = {name: value for name, value in mapping.items() if name != key}
        if wanted is MethodSpec:
            for own, info in Stage.model_fields.items():
                if own != key:
                    yield _row(own, info, options, within)
                    options.pop(own, None)
        if spec:
            yield from self.section(spec.options, options, within)
        else:
            yield from _unknown(options, set(), within)

    def _named(self, row: Row, named: Mapping[KeyPath, NamedPart]) -> Iterator[Row]:
        """Yield the components that the options of another one name: one, or a list of them."""
        whole = named.get(())
        if whole:
            value = row.value if row.given else dict(whole.component)
            yield from self._part(replace(row, value=value, bare=isinstance(value, str)), whole.wanted, None)
            return
        yield replace(row, shape="value")
        for (number, *_), each in named.items():
            entry = row.value[number] if isinstance(row.value, list) and isinstance(number, int) else None
            item = Row((*row.path, number), "part", row.depth + 1, entry, row.given, help=row.help, bare=True)
            yield from self._part(item, each.wanted, None)

    def _bases(self, row: Row) -> Iterator[Row]:
        yield replace(row, shape="bases")
        for name, base in row.value.items() if isinstance(row.value, Mapping) else ():
            head = Row((*row.path, str(name)), "group", row.depth + 1, base, True, help=row.help, item=True)
            yield head
            yield from self.section(Base, base, replace(head, item=False))

    def _choices(self, wanted: type[Spec], gives: Gives | None) -> tuple[Choice, ...]:
        specs = self.registry.of(wanted)
        able = (s for s in specs if not (isinstance(s, SourceSpec) and gives and gives not in s.gives))
        return tuple(Choice(spec.name, spec.summary) for spec in able)


def _unknown(given: Mapping[str, Any], known: set[str], around: Row) -> Iterator[Row]:
    """Yield the rows of keys that the model does not know: of a typo, or of what somebody else asks for there."""
    for name, value in given.items():
        if name not in known:
            yield Row((*around.path, str(name)), "value", around.depth + 1, value, True, optional=True, takes="a value")


def _row(name: str, info: FieldInfo, given: Mapping[str, Any], around: Row) -> Row:
    """Return the row of a field, as if it were a simple one."""
    default = None if info.is_required() else _plain(info.get_default(call_default_factory=True))
    there, kind = name in given and given[name] is not None, kind_of(info)
    return Row(
        (*around.path, name),
        kind.shape,
        around.depth + 1,
        given[name] if there else default,
        there,
        default,
        info.is_required(),
        kind.optional,
        info.description or "",
        kind.takes,
        tuple(Choice(word) for word in kind.choices),
        holders=around.holders,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _key(wanted: type[Spec]) -> str:
    return "method" if wanted is MethodSpec else "kind"


def _mapping(value: Any, key: str) -> dict[str, Any]:
    if isinstance(value, str):
        return {key: value}
    return dict(value) if isinstance(value, Mapping) else {}
