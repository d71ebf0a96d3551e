"""Mistakes in the operations' code: one line each, with file, line, and what to write instead."""

import importlib
import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import annotations
import discovery
from mistakes import Mistake
from tests import stack
from tests.unit.builds import build

_HEAD = """\
import collections, dataclasses, datetime, decimal, enum, functools, pathlib, uuid
from dataclasses import dataclass
from typing import *

import annotated_types as at
import msgspec, pydantic
from msgspec import Meta, Struct

from nowlater import Context, Document, operation

T = TypeVar("T")
type Positive = Annotated[int, at.Ge(0)]
type Few[X] = Annotated[list[X], at.MaxLen(3)]
Id = NewType("Id", Annotated[int, at.Ge(0)])

@dataclass
class A:
    x: int = 1

@dataclass
class B:
    y: int = 1

@dataclass
class Deep:
    inner: "Bounded | None" = None

@dataclass
class Bounded:
    n: Annotated[int, at.Ge(0)] = 0

@dataclass
class NoneByDefault:
    n: int = None

class Dict(TypedDict):
    n: NotRequired[Annotated[int, at.Ge(0)]]

class Pair(NamedTuple):
    n: Annotated[int, at.Gt(0)]

class Record(Struct):
    n: Annotated[int, at.Gt(0)] = 1

class Circle(Struct, tag=True):
    r: float

class Square(Struct, tag=True):
    a: float

class Node(Struct):
    value: int
    children: list["Node"] = []

class Page[X](Struct):
    items: list[X]
    next: "Page[X] | None" = None

@dataclass
class Box(Generic[T]):
    inside: dict[str, T]

type Both[X] = tuple[X, X]

class Color(enum.Enum):
    RED = "red"

class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"

class Model(pydantic.BaseModel):
    n: int = pydantic.Field(ge=0)

@pydantic.dataclasses.dataclass
class ModelLike:
    n: int = pydantic.Field(ge=0, default=1)

def plain(f):
    @functools.wraps(f)
    def g(*args, **kwargs):
        return f(*args, **kwargs)
    return g

"""
#: The line of a module's first line after that.
FIRST = _HEAD.count("\n") + 1
_number = itertools.count()

type Package = Callable[..., str]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Writes a package of modules, and returns what the build says of it: its mistakes, or the names."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(**files: str) -> str:
        name = f"package_{next(_number)}"
        for file, source in ({"__init__": ""} | files).items():
            path = tmp_path / name / f"{file}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        importlib.invalidate_caches()
        try:
            found = discovery.find_operations(importlib.import_module(name))
            annotations.check(found)
        except Mistake as mistake:
            return str(mistake).replace(f"{tmp_path}/{name}/", "")
        for spec in found:
            build._module(spec)
        return "served: " + ", ".join(spec.name for spec in found)

    return write


def module(package: Package, source: str) -> str:
    return package(module=_HEAD + source)


# ── annotations ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ("Annotated[int, at.Ge(0)]", "Write Annotated[int, msgspec.Meta(ge=0)]"),
        ("Annotated[int, at.Gt(0)]", "msgspec.Meta(gt=0)"),
        ("Annotated[int, at.Le(5)]", "msgspec.Meta(le=5)"),
        ("Annotated[int, at.Lt(5)]", "msgspec.Meta(lt=5)"),
        ("Annotated[int, at.Interval(gt=1, le=5)]", "msgspec.Meta(gt=1, le=5)"),
        ("Annotated[int, at.MultipleOf(5)]", "msgspec.Meta(multiple_of=5)"),
        ("Annotated[str, at.MinLen(1)]", "msgspec.Meta(min_length=1)"),
        ("Annotated[str, at.MaxLen(1)]", "msgspec.Meta(max_length=1)"),
        ("Annotated[str, at.Len(1, 5)]", "msgspec.Meta(min_length=1, max_length=5)"),
        ("Annotated[datetime.datetime, at.Timezone(...)]", "msgspec.Meta(tz=True)"),
        ("Annotated[datetime.datetime, at.Timezone(None)]", "msgspec.Meta(tz=False)"),
        ("at.LowerCase[str]", "check it in the function: raise Refused"),
        ("Annotated[int, 5]", "check it in the function: raise Refused"),
        ("Annotated[int, pydantic.Field(ge=0)]", "Write Annotated[int, msgspec.Meta(ge=0)]"),
        ("Annotated[str, pydantic.Field(pattern='^a')]", "msgspec.Meta(pattern='^a')"),
        ("Annotated[str, pydantic.StringConstraints(min_length=2)]", "msgspec.Meta(min_length=2)"),
        ("pydantic.PositiveInt", "msgspec.Meta(gt=0)"),
        ("int = pydantic.Field(ge=0)", "msgspec.Meta(ge=0)"),
        ("list[Annotated[int, at.Ge(0)]]", "msgspec.Meta(ge=0)"),
        ("dict[str, Annotated[int, at.Ge(0)]]", "msgspec.Meta(ge=0)"),
        ("tuple[str, Annotated[int, at.Ge(0)]]", "msgspec.Meta(ge=0)"),
        ("Annotated[int, at.Ge(0)] | None = None", "msgspec.Meta(ge=0)"),
        ("Positive", "msgspec.Meta(ge=0)"),
        ("list[Positive]", "msgspec.Meta(ge=0)"),
        ("Few[int]", "msgspec.Meta(max_length=3)"),
        ("Id", "msgspec.Meta(ge=0)"),
        ("Bounded", "Bounded.n: Ge of annotated_types is not read"),
        ("Page[Bounded]", "Bounded.n: Ge of annotated_types is not read"),
        ("Both[Positive]", "msgspec.Meta(ge=0)"),
        ("list[Deep]", "Deep.inner: Bounded.n: Ge of annotated_types is not read"),
        ("Dict", "Dict.n: Ge of annotated_types is not read"),
        ("Pair", "Pair.n: Gt of annotated_types is not read"),
        ("Record", "Record.n: Gt of annotated_types is not read"),
    ],
)
def test_a_bound_that_would_not_be_enforced_stops_the_build(
    package: Package, annotation: str, said: str
) -> None:
    line = module(package, f"@operation()\ndef op(n: {annotation}) -> None: ...\n")

    assert line.startswith(f"module.py:{FIRST}: op: the parameter n is ")
    assert said in line
    assert "would not be enforced" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        (
            "n: Model",
            "n is Model: Model is pydantic's, whose rules are not read. Write a dataclass",
        ),
        ("n: list[Model]", "Model(**value) in the function"),
        ("n: ModelLike", "ModelLike is pydantic's"),
        ("n: pydantic.EmailStr", "write str, with msgspec.Meta(pattern=…)"),
        ("n: pathlib.Path", "Path is not JSON: write Document for a file, str for a name"),
        ("n: object", "object is not JSON: write Any"),
        ("n: range", "write a dataclass, a TypedDict or a msgspec.Struct"),
        ("n: collections.Counter[str]", "Counter is not JSON: write list[…] or dict[str, …]"),
        ("n: Iterable[int]", "Iterable is not JSON: write list[…] or dict[str, …]"),
        ("n: Callable[[int], int]", "Callable is not JSON"),
        ("n: msgspec.Raw", "Raw is not JSON: write Any"),
        ("n: A | B", "Make each a msgspec.Struct with tag=True"),
        ("n: dict[str, int] | A", "Make each a msgspec.Struct with tag=True"),
        ("n: str | bytes", "not contain more than one str-like type"),
        ("n: Mixed", "Enums must contain either all str or all int values"),
        ("n: Literal[1.5]", "Literal may only contain"),
        ("n: dict[int, str]", "Write dict[str, …], not dict[int, …]"),
        ("n: dict[str, dict[Color, str]]", "Write dict[str, …], not dict[Color, …]"),
        ("n: Mapping[Literal['a'], str]", "Write dict[str, …]"),
        ("n: set[list[int]]", "a set cannot hold list, which can change. Write list[…]"),
        ("n: set[A]", "a set cannot hold A"),
        ("n: T", "~T is a type variable without a type. Write the type, or Any"),
        ("n: list[T]", "~T is a type variable without a type"),
        ("n: Page", "X is a type variable without a type"),
        ("n: Page[T]", "~T is a type variable without a type"),
        ("n: 'Nowhere'", "names Nowhere, which its module does not have: import it there"),
        ("n: 'list['", "op: Forward reference must be an expression"),
        ("n: Annotated[str, Meta(ge=1)]", "Can only set `ge` on a numeric type"),
        ("n: list[Context]", "a Context needs a parameter of its own"),
        ("n: Document = Document(b'')", "Write Document | None = None"),
        ("n", "the parameter n needs an annotation"),
        ("self, n: int", "the parameter self needs an annotation"),
        ("*n: int", "*n: int cannot be an input: give it a name"),
        ("**n: int", "**n: int cannot be an input: give it a name"),
        ("n: int, /", "n: int cannot be an input: give it a name"),
        ("__n: int", "__n cannot be an input: its name begins with two underscores"),
        ("n: int = None", "Write … | None = None for an input that may be missing"),
        ("n: Annotated[int, Meta(ge=1)] = 0", "its default 0 does not fit (Expected `int` >= 1)"),
        ("n: Literal['a'] = 'b'", "its default 'b' does not fit"),
        ("n: int = ...", "its default Ellipsis does not fit"),
        ("n: float = float('nan')", "its default nan does not fit"),
        ("n: float = float('inf')", "its default inf does not fit"),
        ("n: Annotated[float, Meta(examples=[float('inf')])]", "JSON has no such number"),
        ("n: NoneByDefault", "NoneByDefault.n: its default None does not fit"),
    ],
)
def test_a_parameter_that_cannot_be_an_input_is_one_line(
    package: Package, parameter: str, said: str
) -> None:
    line = module(package, f"@operation()\ndef op({parameter}) -> None: ...\n")

    assert line.startswith(f"module.py:{FIRST}: op: ")
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("dict[str, Document]", "a file cannot be part of a result. Return a Document alone"),
        ("list[Document]", "a file cannot be part of a result"),
        ("Document | None", "a file cannot be part of a result"),
        ("Model", "Model is pydantic's"),
        ("pathlib.Path", "write Document for a file, str for a name"),
        ("Iterator[int]", "Iterator is not JSON: write list[…]"),
        ("Awaitable[int]", "Awaitable is not JSON"),
        ("A | B", "Make each a msgspec.Struct with tag=True"),
        ("Positive", "msgspec.Meta(ge=0)"),
        ("'Nowhere'", "names Nowhere, which its module does not have"),
        ("Context", "a Context needs a parameter of its own"),
    ],
)
def test_a_result_that_could_not_be_sent_is_one_line(
    package: Package, result: str, said: str
) -> None:
    line = module(package, f"@operation()\ndef op() -> {result}: ...\n")

    assert line.startswith(f"module.py:{FIRST}: op: ")
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_generator_is_refused(package: Package, kind: str) -> None:
    line = module(package, f"@operation()\n{kind} op(n: int):\n    yield n\n")

    assert line.endswith("op: it is a generator, and its result is sent at once: return a list")


@pytest.mark.parametrize(
    "parameter",
    [
        "n: Context | None = None",
        "n: Optional[Context]",
        "n: Document | None = None",
        "n: list[Document]",
        "n: Annotated[Document, 'the file']",
        "n: Annotated[int, 'a comment', Meta(ge=0)]",
        "n: Circle | Square",
        "n: Page[int]",
        "n: list[Box[A]]",
        "n: Both[Page[str]]",
        "n: Node = Node(1)",
        "n: list[int] = [1]",
        "n: dict[str, int] = {'a': 1}",
        "n: A = A(2)",
        "n: Literal[1, 'a', None, True] = 'a'",
        "n: Color = Color.RED",
        "n: decimal.Decimal = decimal.Decimal('1.5')",
        "n: datetime.datetime | None = None",
        "n: uuid.UUID | None = None",
        "n: bytes = b'x'",
        "n: set[str] = {'a'}",
        "n: frozenset[tuple[int, int]]",
        "n: tuple[int, ...] = (1,)",
        "n: float = 1",
        "n: dict[Annotated[str, Meta(pattern='^a')], int]",
        "n: Mapping[str, Sequence[int]]",
        "self: int",
        "cls: int",
        "context: str",
        "operation: int",
    ],
)
def test_these_are_served(package: Package, parameter: str) -> None:
    assert module(package, f"@operation()\ndef op({parameter}) -> None: ...\n") == "served: op"


def test_an_import_that_does_not_end_is_one_line(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "LONGEST_IMPORT_S", 0.2)

    line = package(endless="n = 0\nwhile True:\n    n += 1\n")
    assert re.search(r"endless\.py:[23]: .*its import did not end within 0\.2 s", line)


def test_a_child_that_an_import_makes_may_end_as_children_do(package: Package) -> None:
    source = "import os\nif not (child := os.fork()):\n    os._exit(3)\n"
    source += "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3\n"

    source += "from nowlater import operation\n@operation()\ndef op() -> None: ...\n"

    assert package(forks=source) == "served: op"


def test_all_mistakes_are_reported_at_once(package: Package) -> None:
    lines = package(
        broken="x = (\n", other="from nowlater import operation\n@operation()\nclass C: ...\n"
    )

    assert lines.splitlines() == [
        "broken.py:1: SyntaxError: '(' was never closed",
        "other.py:2: @operation is for functions, and C is a class: write a function that uses it",
    ]


# ── the decorator ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "class C:\n    @operation()\n    def op(self: int) -> int: ...\n",
            f"{FIRST + 1}: op cannot be served: it is part of the class C. Write a function outside",
        ),
        (
            "class C:\n    @staticmethod\n    @operation\n    def op() -> int: ...\n",
            f"{FIRST + 1}: op cannot be served: it is part of the class C",
        ),
        (
            "class C:\n    @operation\n    @classmethod\n    def op(cls) -> int: ...\n",
            f"{FIRST + 1}: @operation is for functions, and this is part of a class: move it out",
        ),
        (
            "@operation()\nclass C: ...\n",
            f"{FIRST}: @operation is for functions, and C is a class",
        ),
        (
            "op = operation(name='op')(functools.partial(print, 1))\n",
            f"{FIRST}: @operation is for functions, and this is of the type partial",
        ),
        ("op = operation()(lambda: 1)\n", "'<lambda>' cannot be an operation's name"),
        ("@operation('op')\ndef op() -> int: ...\n", "@operation(name='op')"),
        (
            "@operation(name='a')\n@operation(name='b')\ndef op() -> int: ...\n",
            "b cannot be served: its function has @operation twice",
        ),
        (
            "@plain\n@operation()\ndef op() -> int: ...\n",
            "op cannot be served: another decorator hides it. Write @operation above all other",
        ),
        (
            "@operation()\ndef op() -> int: ...\n@operation(name='b')\ndef op() -> int: ...\n",
            f"{FIRST}: op cannot be served: at the end of its module, op is something else",
        ),
        (
            "def make():\n    @operation()\n    def op() -> int: ...\nmake()\n",
            "op cannot be served: it is defined inside a function",
        ),
        ("@operation(timeout='10')\ndef op() -> int: ...\n", "op: timeout is in seconds"),
        ("@operation(timout=10)\ndef op() -> int: ...\n", "Did you mean 'timeout'?"),
    ],
)
def test_what_cannot_be_served_is_never_silently_not_served(
    package: Package, source: str, said: str
) -> None:
    line = module(package, source)

    assert line.startswith("module.py:")
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "source",
    [
        "@operation\ndef op() -> int: ...\n",
        "op = operation(name='op')(lambda: 1)\n",
        "@operation()\n@functools.cache\ndef op() -> int: ...\n",
        "@operation()\n@plain\ndef op() -> int: ...\n",
        "@operation()\ndef op() -> int: ...\nalias = op\n",
        "def make(n):\n    @operation(name=n)\n    def f() -> int: ...\n    return f\nmade = make('op')\n",
    ],
)
def test_what_has_a_name_in_its_module_is_served(package: Package, source: str) -> None:
    assert module(package, source) == "served: op"


OP = "from nowlater import operation\n@operation()\ndef {}(n: int) -> int: ...\n"


@pytest.mark.parametrize(
    "file", ["__init__", "sub/module", "sub/__init__", "with-hyphen", "with space/module"]
)
def test_an_operation_is_found_wherever_in_the_package(package: Package, file: str) -> None:
    assert package(**{file: OP.format("op")}) == "served: op"


def test_a_file_beside_the_package_is_reported(package: Package) -> None:
    assert package(**{"../stray": OP.format("op")}).endswith(
        "stray.py:1: its operations are not served from here. Move the file into "
        f"package_{next(_number) - 1}/"
    )


def test_a_name_that_catalogue_or_routes_have_is_served_too(package: Package) -> None:
    names = ("index", "manual", "job", "operations", "problem", "sync", "jobs")

    assert package(**{name: OP.format(name) for name in names}) == (
        f"served: {', '.join(sorted(names))}"
    )


def test_two_operations_of_one_name_are_reported(package: Package) -> None:
    line = package(one=OP.format("op"), other=OP.format("op"))

    assert line.startswith("other.py:2: there are two operations named op, in ")
    assert line.endswith('give one of them another name, with name="…"')


# ── modules ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(:\n", "1: SyntaxError: invalid syntax"),
        ("if True:\nx = 1\n", "2: IndentationError: expected an indented block"),
        ("x = 1\nimport nosuch\n", "2: No module named 'nosuch': if it is a package, add it to "),
        ("from nowlater import nosuch\n", "1: ImportError: cannot import name 'nosuch'"),
        ("x = nosuch\n", "1: NameError: name 'nosuch' is not defined"),
        ("import os\nos.environ['NOPE']\n", "2: KeyError: 'NOPE' (the build imports every module"),
        ("import sys\nsys.exit(3)\n", "2: SystemExit: 3 (the build imports every module"),
        (
            "import os\nos._exit(0)\n",
            "2: SystemExit: it calls os._exit(0) (the build imports every",
        ),
        ("import json\n\njson.loads('{')\n", "3: JSONDecodeError: "),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line_with_its_number(
    package: Package, source: str, said: str
) -> None:
    line = package(module=source)

    assert line.startswith(f"module.py:{said}")
    assert "\n" not in line


def test_a_module_that_many_import_is_reported_once(package: Package) -> None:
    uses = "from .shared import x\n"

    assert package(shared="import nosuch\n", a=uses, b=uses).startswith("shared.py:1: No module")


def test_the_build_prints_a_mistake_in_one_line_and_fails(tmp_path: Path) -> None:
    layer = tmp_path / "operations"
    layer.mkdir()
    (layer / "__init__.py").write_text("")
    (layer / "greetings.py").write_text(OP.format("greet").replace("n: int", "n"))
    done = subprocess.run(
        [sys.executable, stack.ROOT / "layers/catalogue/build.py", tmp_path / "out"],
        env={"PYTHONPATH": f"{stack.ROOT / 'layers/nowlater'}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == f"{layer}/greetings.py:2: greet: the parameter n needs an annotation\n"
    assert not (tmp_path / "out").exists()
