"""What the official package publishes for each operation: the parameters it takes and the objects it answers."""

import ast
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from . import annotations
from .annotations import ROOT, ClassName, Type

PACKAGE = ROOT / "stripe"
API = ("/v1/", "/v2/")


@dataclass(frozen=True)
class Param:
    """One published parameter.

    `kinds` are the forms it may take: string, integer, boolean, number, decimal, enum, hash, list, map (a hash with
    free keys, such as metadata), any (a file). `empty` says that an empty value unsets it.
    """

    kinds: frozenset[str]
    required: bool = False
    empty: bool = False
    choices: tuple[str, ...] = ()  # of an enum, in Stripe's order
    members: dict[str, "Param"] = field(default_factory=dict)  # of a hash
    element: "Param | None" = None  # of a list or map


class Reply(NamedTuple):
    """What an operation answers: one object, or a page of them."""

    many: bool
    objects: frozenset[str]  # the possible values of `object`


class Operation(NamedTuple):
    params: ClassName | None
    returns: Type


def published_params(verb: str, path: str) -> dict[str, Param]:
    """The parameters an operation accepts, by name, in Stripe's order; `expand` is among them.

    `path` is a template; the names of its variables do not matter. KeyError for an operation that is not published.
    """
    operation = operations()[verb.upper(), unnamed(path)]
    return members_of(operation.params) if operation.params else {}


def published_reply(verb: str, path: str) -> Reply:
    """What an operation answers when it succeeds. KeyError for an operation that is not published."""
    kind = operations()[verb.upper(), unnamed(path)].returns
    many = kind.kind == "page"
    inner = kind.of[0] if many else kind
    options = inner.of if inner.kind == "either" else (inner,)
    names = (annotations.object_name(option.name) for option in options if option.name)
    return Reply(many, frozenset(name for name in names if name))


def flat(params: dict[str, Param]) -> dict[str, Param]:
    """The same parameters at every depth, by bracketed path: `billing[address][line1]`, `limits[][amount]`."""
    found: dict[str, Param] = {}
    for name, param in params.items():
        found[name] = param
        for inner, deeper in below(param).items():
            found[f"{name}{inner}"] = deeper
    return found


def below(param: Param) -> dict[str, Param]:
    """Everything inside a parameter, by the brackets that follow its own path."""
    found: dict[str, Param] = {}
    steps = {f"[{name}]": member for name, member in param.members.items()}
    if param.element is not None:
        steps["[]"] = param.element
    for step, inner in steps.items():
        found[step] = inner
        found |= {f"{step}{rest}": deeper for rest, deeper in below(inner).items()}
    return found


def unnamed(path: str) -> str:
    """A template with its variables' names taken out."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


@cache
def operations() -> dict[tuple[str, str], Operation]:
    """Every published operation, by verb and unnamed path. Services come first, resource classes add to them."""
    sources = sorted(path for path in PACKAGE.rglob("_*.py") if "params" not in path.parts)
    found: dict[tuple[str, str], Operation] = {}
    for path in sorted(sources, key=lambda path: not path.name.endswith("_service.py")):
        if not any(start in path.read_text(encoding="utf-8") for start in ('"/v1/', '"/v2/')):
            continue
        home = annotations.module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for owner, node in home.classes.items():
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and (sent := request_in(method)):
                    found.setdefault(sent, described(method, ClassName(home.name, owner)))
    return found


def request_in(method: ast.FunctionDef) -> tuple[str, str] | None:
    """The (verb, unnamed path) that a method of the package requests, if it names one."""
    for call in ast.walk(method):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and "_request" in call.func.attr):
            continue
        verb, template = (*call.args, None, None)[:2]
        if isinstance(template, ast.Call) and isinstance(template.func, ast.Attribute):
            template = template.func.value
        if (
            isinstance(verb, ast.Constant)
            and isinstance(template, ast.Constant)
            and str(template.value).startswith(API)
        ):
            return verb.value.upper(), unnamed(template.value)
    return None


def described(method: ast.FunctionDef, scope: ClassName) -> Operation:
    """A method's parameter class and reply, out of its signature."""
    arguments = {argument.arg: argument.annotation for argument in [*method.args.posonlyargs, *method.args.args]}
    annotation = arguments.get("params") or (method.args.kwarg.annotation if method.args.kwarg else None)
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Unpack":
        annotation = annotation.slice
    params = annotations.read(annotation, scope).name if annotation else None
    return Operation(params, annotations.read(method.returns, scope))


@cache
def members_of(owner: ClassName) -> dict[str, Param]:
    return {name: param(kind) for name, kind in annotations.fields(owner).items()}


def param(kind: Type) -> Param:
    """One annotated parameter, its options put together."""
    kinds: set[str] = set()
    empty, choices, element = False, (), None
    hashes: list[dict[str, Param]] = []
    for option in kind.of if kind.kind == "either" else (kind,):
        if option.kind == "enum":
            empty |= "" in option.values
            values = tuple(str(value) for value in option.values if value != "")
            choices += values
            kinds |= {"enum"} if values else set()
        elif option.kind == "class":
            hashes.append(members_of(option.name))
            kinds.add("hash")
        else:
            kinds.add(option.kind)
            element = param(option.of[0]) if option.of else element
    return Param(frozenset(kinds), kind.required, empty, choices, merged(hashes), element)


def merged(hashes: list[dict[str, Param]]) -> dict[str, Param]:
    """The members of several alternative hashes; required only where all of them require it."""
    found: dict[str, Param] = {}
    for members in hashes:
        for name, member in members.items():
            required = all(name in other and other[name].required for other in hashes)
            known = found.get(name)
            choices = tuple(dict.fromkeys((known.choices if known else ()) + member.choices))
            found[name] = Param(**{**vars(known or member), "required": required, "choices": choices})
    return found
