"""The official package's annotations as plain types, read out of its source.

The package imports its types only for type checkers, so they cannot be evaluated at run time; its source is regular
enough to read instead. Source: https://github.com/stripe/stripe-python
"""

import ast
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import stripe
from stripe._object_classes import OBJECT_CLASSES, V2_OBJECT_CLASSES

ROOT = Path(stripe.__file__).parent.parent
SCALARS = {"str": "string", "int": "integer", "bool": "boolean", "float": "number", "Decimal": "decimal"}
ANYTHING = {"Any", "object", "StripeObject"}


class ClassName(NamedTuple):
    module: str  # dotted, such as stripe.issuing._card
    path: tuple[str, ...]  # from the outermost class to the innermost


@dataclass(frozen=True)
class Type:
    """One annotation. `kind` is string, integer, boolean, number, decimal, any, enum, list, map, page (a list object),
    expandable, class, or either."""

    kind: str
    of: tuple["Type", ...] = ()  # the element of list, map and page; the targets of expandable; the options of either
    values: tuple[object, ...] = ()  # of enum, in Stripe's order
    name: ClassName | None = None  # of class
    nullable: bool = False
    required: bool = True  # False for NotRequired


class Module:
    """One source file: its classes by path, and where its other names come from."""

    def __init__(self, name: str):
        path = ROOT.joinpath(*name.split("."))
        self.name = name
        self.path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        self.tree = ast.parse(self.path.read_text(encoding="utf-8"))
        self.classes: dict[tuple[str, ...], ast.ClassDef] = {}
        self.imports: dict[str, tuple[str, str]] = {}
        self._collect(self.tree.body, ())

    def _collect(self, body: list[ast.stmt], inside: tuple[str, ...]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                self.classes[(*inside, node.name)] = node
                self._collect(node.body, (*inside, node.name))
            elif isinstance(node, ast.If):
                self._collect(node.body, inside)
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self.imports[alias.asname or alias.name] = (node.module, alias.name)


@cache
def module(name: str) -> Module:
    return Module(name)


@cache
def fields(owner: ClassName) -> dict[str, Type]:
    """The annotated fields of a class, in the order of the source, without private and class-wide ones."""
    home = module(owner.module)
    return {
        node.target.id: read(node.annotation, owner)
        for node in home.classes[owner.path].body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and not node.target.id.startswith("_")
        and "ClassVar" not in ast.unparse(node.annotation)
    }


@cache
def object_name(owner: ClassName) -> str | None:
    """The value of `object` that a resource class stands for; None for a plain hash."""
    for node in module(owner.module).classes[owner.path].body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "OBJECT_NAME":
            return ast.literal_eval(node.value) if node.value else None
    return None


@cache
def object_classes() -> dict[str, ClassName]:
    """Every resource class, of v2 too, by the `object` value it stands for."""
    skipped = {"list", "search_result", "file_upload", "v2.search_result"}
    return {
        name: ClassName(home, (title,))
        for name, (home, title) in {**V2_OBJECT_CLASSES, **OBJECT_CLASSES}.items()
        if name not in skipped
    }


def read(node: ast.expr, scope: ClassName) -> Type:
    """The type an annotation means, in the class it stands in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return read(ast.parse(node.value, mode="eval").body, scope)
    if isinstance(node, ast.BinOp):
        return either([read(side, scope) for side in (node.left, node.right)])
    if isinstance(node, ast.Subscript):
        return generic(ast.unparse(node.value), node.slice, scope)
    if isinstance(node, ast.Constant) and node.value is None:
        return Type("any", nullable=True)
    word = ast.unparse(node)
    if word in SCALARS:
        return Type(SCALARS[word])
    if word in ANYTHING:
        return Type("any")
    return Type("class", name=resolve(tuple(word.split(".")), scope))


def generic(head: str, inside: ast.expr, scope: ClassName) -> Type:
    """The type of `head[inside]`."""
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if head == "Literal":
        return Type("enum", values=tuple(ast.literal_eval(part) for part in parts))
    inner = [read(part, scope) for part in parts]
    if head == "Optional":
        return replace(inner[0], nullable=True)
    if head == "NotRequired":
        return replace(inner[0], required=False)
    if head == "Union":
        return either(inner)
    if head == "List":
        return Type("list", of=(inner[0],))
    if head in ("ListObject", "SearchResultObject"):
        return Type("page", of=(inner[0],))
    if head == "ExpandableField":
        return Type("expandable", of=inner[0].of if inner[0].kind == "either" else (inner[0],))
    if head in ("UntypedStripeObject", "Dict", "Mapping"):
        return Type("map", of=(inner[-1],))
    raise AssertionError(f"{head}[…] in {scope} is a form of annotation this reader does not know")


def either(options: list[Type]) -> Type:
    """A union. `Union[Literal[…], str]` is the package's way to write a list of choices that may grow: the choices."""
    flat: list[Type] = []
    for option in options:
        flat += option.of if option.kind == "either" else [option]
    if any(option.kind == "enum" and set(option.values) != {""} for option in flat):
        flat = [option for option in flat if option.kind != "string"]
    kept = list(dict.fromkeys(flat))
    return kept[0] if len(kept) == 1 else Type("either", of=tuple(kept))


def resolve(parts: tuple[str, ...], scope: ClassName) -> ClassName:
    """The class a name means: nested in the class it is used in, else of the module, else imported."""
    home = module(scope.module)
    for depth in range(len(scope.path), -1, -1):
        if (found := (*scope.path[:depth], *parts)) in home.classes:
            return ClassName(home.name, found)
    source, original = home.imports[parts[0]]
    return resolve((original, *parts[1:]), ClassName(source, ()))
