"""No regular expression takes a time that grows faster than its text.

Each one in the code has a row here, with the worst texts that we know for it: a pattern that is new
or changed fails a test until it has one. Those of the operations are theirs to test.
"""

import ast
import importlib
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nowlater.runtime import document
from tests import stack
from tests.unit.builds import build

FOLDERS = ("layers/nowlater/nowlater", "layers/catalogue", "functions", "local")
_CALLS = {"compile", "match", "fullmatch", "search", "sub", "split", "findall", "finditer"}

#: Characters of the shortest hostile text, and how much longer the long one is.
SHORT, TIMES = 1_000, 8
#: A time that is linear grows eightfold, a square one 64-fold.
MAX_GROWTH = 24
#: Below it, nothing is measured but the clock; a square time of the long text is far above it.
FLOOR_S = 0.002

type Text = Callable[[int], str]


def repeated(part: str, before: str = "", after: str = "") -> Text:
    return lambda n: before + part * (n // len(part)) + after


def texts(*parts: str, before: str = "", after: str = "") -> list[Text]:
    """Return texts that repeat each of these parts, with an end at which most patterns fail."""
    return [repeated(part, before, after + end) for part in parts for end in ("", "!")]


#: Parts that make any pattern try: of its words, its signs, and what separates them.
ANY = texts("a", "1", " ", "-", ".", "a-", "a.", "a b", "=", "a=", ",", ";", "; ", "/", ":", "@", "+", '"', "\\", '\\"', "a1-", "`", "$", "%", "_", "\t", "\r", "a/")  # fmt: skip

#: The file, and a part of the pattern that no other in this file has → texts for it in particular.
ROWS: dict[tuple[str, str], list[Text]] = {
    ("layers/nowlater/nowlater/access/authenticate.py", "[A-Za-z0-9_-]+"): texts("a.", "a"),
    ("layers/nowlater/nowlater/outbound/targets.py", "://"): texts("x", "/", "?", "@", before="https://"),
    ("layers/nowlater/nowlater/outbound/targets.py", "@"): texts("@", "a@", after="[") + texts("[", "]", ":"),
    ("layers/nowlater/nowlater/outbound/targets.py", "[1-9][0-9]{0,4}"): texts("1"),
    ("layers/nowlater/nowlater/outbound/targets.py", "{_BYTE}"): texts("1.", "255."),
    ("layers/nowlater/nowlater/outbound/targets.py", "{_LABEL}"): texts("a.", "a-", "a", "a_"),
    ("layers/nowlater/nowlater/outbound/targets.py", "corp|home"): texts("lan.", "local", ".", "a.arpa"),
    ("layers/nowlater/nowlater/outbound/targets.py", "[!-"): texts("a", "\\"),
    ("layers/nowlater/nowlater/api/request.py", "{32}"): texts("a-", "00-"),
    ("layers/nowlater/nowlater/runtime/catalogue.py", "[a-z]"): texts("a-", "a1-", "a--"),
    ("layers/nowlater/nowlater/notifications/delivery.py", "[/?]"): texts("/", "?"),
    ("layers/nowlater/nowlater/runtime/document.py", "UPLOAD_ID"): texts("a"),
    ("layers/nowlater/nowlater/runtime/document.py", "MEDIA_TYPE"): texts(";a=b", '; a="b"', "; ", "a", before="a/b"),
    ("layers/nowlater/nowlater/outbound/http1.py", "[A-Za-z0-9!#$"): texts("a"),
    ("layers/nowlater/nowlater/outbound/http1.py", "[ -~]*"): texts(" "),
    ("layers/nowlater/nowlater/outbound/http1.py", "HTTP/1"): texts(" ", "\r", before="HTTP/1.1 200 "),
    ("layers/nowlater/nowlater/outbound/http1.py", "A-Fa-f"): texts(" ", "\r", ";", " ;", before="1"),
    ("layers/nowlater/nowlater/outbound/http1.py", "[!-~]+"): texts("a"),
    ("layers/nowlater/nowlater/outbound/http1.py", "[0-9]{1,12}"): texts("1"),
    ("layers/nowlater/nowlater/jobs/model.py", "[89ab]"): texts("a-", "a"),
    ("layers/nowlater/nowlater/access/api_keys.py", "OWNER"): texts("a", "."),
    ("layers/nowlater/nowlater/api/direct.py", "OWNER"): texts("a", "."),
    ("layers/nowlater/nowlater/access/api_keys.py", "nl_"): texts("a", "nl_"),
    ("layers/nowlater/nowlater/jobs/filters.py", "[1-9]"): texts("1", "0"),
    ("layers/nowlater/nowlater/jobs/counts.py", "[1-9]"): texts("1", "0"),
    ("layers/nowlater/nowlater/api/docs.py", "TYPES"): texts("a", ".css", "a.css"),
    ("layers/nowlater/nowlater/api/console.py", "TYPES"): texts("a", ".css", "a.css"),
    ("layers/nowlater/nowlater/runtime/definition.py", "[a-z]"): texts("a-", "a1-", "a--"),
    ("layers/nowlater/nowlater/notifications/secrets.py", "[a-z0-9._-]"): texts("a", "."),
    ("layers/nowlater/nowlater/api/prefer.py", "[,;=]"): texts(" ", '\\"', '"a', "a ", before='"') + texts(" ", before="a", after="x"),
    ("layers/nowlater/nowlater/api/prefer.py", r"\\(.)"): texts("\\", "\\a"),
    ("layers/nowlater/nowlater/outbound/reply.py", "text/"): texts("+", "a+", ";", " ", before="application/") + texts(" ", before="text/a"),
    ("layers/nowlater/nowlater/outbound/reply.py", "[0-9]{1,9}"): texts("1"),
    ("layers/nowlater/nowlater/doors/envelope.py", "json"): texts("+", "a+", "json+", before="application/") + texts(" ", " ;", before="application/json"),
    ("layers/nowlater/nowlater/doors/envelope.py", "charset"): texts(";", "; ", "; charset ", "; charset = ", " ", before="; charset"),
    ("layers/nowlater/nowlater/doors/envelope.py", "x7e"): texts(" "),
    ("layers/nowlater/nowlater/jobs/run_times.py", "b"): texts("b", "b1"),
    ("layers/nowlater/nowlater/aws/table.py", "#"): texts("#", "#a"),
    ("layers/nowlater/nowlater/aws/table.py", ":"): texts(":", ":a"),
    ("layers/nowlater/nowlater/instants.py", "[Tt]"): texts("1", before="2026-03-01T12:00:00."),
    ("layers/nowlater/nowlater/doors/malformed.py", " - at "): texts(" - at `$", " - at `$.a", ".a", "[1]", before=" - at `$"),
    ("layers/nowlater/nowlater/doors/malformed.py", "|\\["): texts(".", ".a", "[1", "[1]"),
    ("layers/nowlater/nowlater/doors/malformed.py", "unknown"): texts("`", "a`", before="Object contains unknown field `"),
    ("layers/nowlater/nowlater/doors/malformed.py", "got"): texts("a", "|", " | ", before="Expected `"),
    ("layers/nowlater/nowlater/doors/malformed.py", "float)"): texts("1", before="Expected `int` >= "),
    ("layers/nowlater/nowlater/doors/malformed.py", "length"): texts("1", before="Expected `str` of length >= "),
    ("layers/nowlater/nowlater/doors/malformed.py", "regex"): texts("'", "a'", before="Expected `str` matching regex '"),
    ("layers/nowlater/nowlater/doors/malformed.py", "enum"): texts("a", "'", before="Invalid enum value "),
    ("layers/nowlater/nowlater/doors/malformed.py", "missing"): texts("a", before="Object missing required field `"),
    ("layers/nowlater/nowlater/runtime/validation.py", r"\[(\d+)\]"): texts(".'", ".'a", "[1", "\\'", ".a", ".", before=".'"),
    ("layers/nowlater/nowlater/runtime/validation.py", "pattern"): [],  # the schema's, which has a row itself
    ("layers/catalogue/build.py", "_key"): texts("{data", "data", "_key", before="{data"),
    ("layers/catalogue/build.py", "is_integer"): texts(" and not (isinstance(", "a", before=" and not (isinstance("),
    ("layers/catalogue/console/vendor/check.py", "from"): texts('from"a"', "from ", 'from"'),
    ("layers/catalogue/console/vendor/check.py", "sourceMappingURL"): texts(" ", "a", before="\n//# sourceMappingURL=a"),
    ("layers/catalogue/described/modules.py", "_NAMES"): [],  # of the repository's own sources, as those below
    ("layers/catalogue/described/modules.py", "export default"): texts("export default ", " ", before=";export default"),
    ("layers/catalogue/described/modules.py", "<kind>"): texts("export const a", "export async ", " ", before="export const "),
    ("layers/catalogue/described/modules.py", "import|export"): texts("import", "import ", "export\n"),
    ("layers/catalogue/described/modules.py", r"\W"): texts("-", "a-"),
    ("layers/catalogue/described/openapi.py", "#/components"): texts('"#/components/', '"#/components/a/', "a/"),
    ("layers/catalogue/described/schemas.py", r"\W"): texts("-"),
    ("layers/catalogue/packages.py", "A-Za-z0-9"): texts("a-", "a ", before="a"),
    ("layers/catalogue/packages.py", "--requirement"): texts(" ", "=", before="-r"),
    ("layers/catalogue/packages.py", "[-_.]+"): texts("-_", "-a"),
    ("local/intrinsics.py", "[^${}]"): texts("${", "$", "${a"),
    ("local/layers.py", "×|error"): texts(" ", "\n", " \n", "e"),
    ("local/layers.py", "[×╰─▶│├]"): texts("×", "e", "error"),
    ("local/layers.py", "--constraint"): texts(" ", "=", before="-c"),
    ("local/layers.py", "build-("): texts("build-", "build-a", "a", before="build-"),
    ("local/parameters.py", "pattern"): [],  # the template's
    ("local/parameters.py", "-?[0-9]+"): texts("1", "-"),
    ("local/routes.py", "[\\w:.]"): texts("${", "$", "${a"),
    ("local/compose.py", "# "): texts(" ", "# + a", "\n", " \n", before="# + "),
    ("local/compose.py", "NOWLATER_STACK"): texts(" ", "{", '{"NOWLATER_STACK": '),
    ("local/composed.py", "SHA-256"): texts("a", "\n", before="# "),
    ("local/emulator_patches.py", "python/"): texts("python/"),
    ("local/fragment.py", "0-9]+'"): texts("a"),
    ("local/fragment.py", "AWS_"): texts("AWS_", "NOWLATER", "A"),
    ("local/fragment.py", "start_mark"): [],  # of indentation alone
    ("local/lines.py", "(?=["): texts("\r", "\r\n", "\n", "a\r"),
    ("local/output.py", "^ +"): texts(" ", " | ", " |"),
    ("local/terminal.py", "x1b"): texts("\x1b[", "\x1b[1;", "\x1b", "\x00"),
    ("local/output.py", "layer-"): texts("/layer-a", "/layer-a/python/operations/", "/layer-", "a/", before="/layer-"),
    ("local/output.py", "operations/'"): texts("/", "/python/", "/python/operations/", before='  File "'),
    ("local/output.py", "powertools"): texts("/", "/python/", "/python/nowlater", before='  File "'),
    ("local/output.py", "line"): texts("a", '", line 1', before='  File "'),
    ("local/output.py", "level"): texts('{"level":"A', "A", before='{"level":"'),
    ("local/references.py", "\\s*+"): texts("${", "${a", " ", "${ ", before="${"),
    ("local/sources.py", "flycheck_"): texts(".py", ".sw", "~", ".#"),
    ("local/project/lay.py", "(?=## "): texts("## [", "\n## ["),
    ("local/project/lay.py", "(\\d+(?:"): texts("1.", "1", before="## ["),
    ("local/project/lay.py", "'\\d+'"): texts("1", "1."),
    ("local/project/new.py", "[a-z]"): texts("a-", "a1-", "a--"),
    ("local/project/source.py", "[^/@]"): texts("://", "a", "@", before="://"),
    ("local/project/upgrade.py", "v?"): texts("1", "1.", "v"),
    ("local/project/upgrade.py", "://"): texts("a", "a@", ":", "a:", before="a@"),
    ("local/project/upgrade.py", "refs/"): texts("\trefs/tags/", "^{}", "a", "^", before="\trefs/tags/"),
    ("local/emulator_patches.py", "#?"): texts("#a", "a = ", "a ", "a=:"),
    ("local/stages.py", "{0,127}"): texts("a-"),
    ("local/stages.py", "[\\w .:"): texts("a", " "),
    ("local/stages.py", "[a-z]{2,}"): texts("-a", "-aa", before="eu"),
    ("local/stages.py", ".+"): texts("a", "\n"),
    ("local/stages.py", "[0-9]{12}"): texts("1"),
    ("local/stages.py", "stage.name"): texts("[a]\n", "[a"),
    ("local/stages.py", "pattern"): [],  # those above
    ("local/verify/options.py", "x21"): texts("a"),
    ("local/verify/options.py", r"\S+"): texts("a"),
    ("local/verify/gateway.py", "jobs|problems"): texts("/jobs", "/"),
    ("local/verify/parts.py", "route"): [],  # the paths of routes
    ("local/verify/notifications.py", "arn:"): texts("arn:", ":", "a:", before="arn:aws:sns:"),
}  # fmt: skip
#: Those by which matches are searched for in a text; with all others, the whole text is matched.
SEARCHED = {
    *("charset", r"\\(.)", "[,;=]", " - at ", "|\\[", r"\[(\d+)\]", "#", ":", "_key", "is_integer"),
    *("×|error", "[×╰─▶│├]", "#/components", r"\W", "[^${}]", "[\\w:.]", "#?", "stage.name"),
    *("layer-", "(?=[", "^ +", "x1b", "(?=## ", "'\\d+'", "[^/@]", "refs/", "# ", "NOWLATER_STACK"),
    *("[-_.]+", "build-(", "level", "\\s*+"),
    *("from", "sourceMappingURL", "export default", "<kind>", "import|export"),
}
#: Patterns that are no call of `re`: of schemas, and of the formats that validators know.
SCHEMAS: dict[str, list[Text]] = {
    document.MEDIA_TYPE: texts(";a=b", '; a="b"', "; ", "a", "; a=", before="a/b"),
    document.BASE64: texts("AAAA", "AA==", "A", "="),
    document.UPLOAD_ID: texts("a"),
    "^[a-z0-9_-]{1,32}$": texts("a"),
    **dict.fromkeys(build._FORMATS.values(), texts("..", ".", "a.", "a@", "@", before="a@") + texts("..", "a.", ".@")),
}  # fmt: skip


def used(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call of `re` in a module, with its pattern as it is written in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if is_call and ast.unparse(node.func.value) == "re" and node.func.attr in _CALLS:  # type: ignore[attr-defined]
            yield ast.unparse(node.args[0]), node  # type: ignore[attr-defined]


CALLS = [
    (str(path.relative_to(stack.ROOT)), written)
    for folder in FOLDERS
    for path in sorted((stack.ROOT / folder).rglob("*.py"))
    for written, _ in used(path)
]


def rows_of(place: str, written: str) -> list[tuple[str, str]]:
    plain = written.replace("\\\\", "\\")
    return [row for row in ROWS if row[0] == place and (row[1] in written or row[1] in plain)]


@pytest.mark.parametrize(("place", "written"), CALLS, ids=lambda value: value[-60:])
def test_every_expression_has_its_worst_texts(place: str, written: str) -> None:
    assert rows_of(place, written), f"add a row for {written} of {place}"


def compiled() -> Iterator[tuple[str, re.Pattern[Any], list[Text], bool]]:
    """Yield each pattern that can be made here, the texts for it, and whether it is searched for."""
    for place, written in CALLS:
        rows = rows_of(place, written)
        more = [text for row in rows for text in ROWS[row]]
        is_searched = any(part in SEARCHED for _, part in rows)
        for pattern in made(place, written):
            yield f"{Path(place).stem}: {written[:50]}", pattern, more, is_searched
    for pattern, more in SCHEMAS.items():
        yield f"schema: {pattern[:50]}", re.compile(pattern.replace("$", r"\Z")), more, True


def made(place: str, written: str) -> Iterator[re.Pattern[Any]]:
    """Yield what a written pattern is, in its module's own words."""
    if not more_than_a_name(written) and not place.startswith("layers/nowlater"):
        return
    names: dict[str, Any] = {}
    if place.startswith("layers/nowlater"):
        module = place.removeprefix("layers/nowlater/").removesuffix(".py").replace("/", ".")
        names = vars(importlib.import_module(module))
    try:
        pattern = eval(written, names)
    except NameError:  # a pattern that is an argument has a row of its own where it is written
        return
    yield re.compile(pattern, re.DOTALL)


def more_than_a_name(written: str) -> bool:
    return written.startswith(("'", '"', "b'", 'b"', "r'", 'r"'))


def seconds(pattern: re.Pattern[Any], text: str, *, is_searched: bool) -> float:
    """Return the least time of two that it takes to match a text, or to find all matches in it."""
    given: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
    least = float("inf")
    for _ in range(2):
        began = time.thread_time()
        if is_searched:
            deque(pattern.finditer(given), maxlen=0)
        else:
            pattern.fullmatch(given)
            pattern.match(given)
        least = min(least, time.thread_time() - began)
    return least


def growth(pattern: re.Pattern[Any], text: Text, short: int, *, is_searched: bool) -> float:
    """Return how much longer a long text takes than a short one; 0 where that is no time at all."""
    long_s = seconds(pattern, text(short * TIMES), is_searched=is_searched)
    if long_s < FLOOR_S:
        return 0
    short_s = seconds(pattern, text(short), is_searched=is_searched)
    return long_s / max(short_s, FLOOR_S / MAX_GROWTH)


COMPILED = [*compiled()]


@pytest.mark.parametrize(
    ("name", "pattern", "more", "is_searched"), COMPILED, ids=[row[0][:70] for row in COMPILED]
)
def test_no_expression_takes_more_than_linear_time(
    name: str, pattern: re.Pattern[Any], more: list[Text], is_searched: bool
) -> None:
    for text in (*ANY, *more):
        assert growth(pattern, text, SHORT, is_searched=is_searched) < MAX_GROWTH, text(60)


@pytest.mark.parametrize(
    ("pattern", "text", "is_searched"),
    [
        # as they once were, in addresses.py, prefer.py and emulator_patches.py
        (r"(.*@)?(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]*))?", repeated("@", after="["), False),
        (r'\s*([\w-]+)\s*(?:=\s*"?([\w-]*)"?)?\s*(?:;.*)?', repeated(" ", "a", "x"), False),
        (r"(#?\w+)\s*=\s*(:\w+)", repeated("a"), True),
    ],
)
def test_one_that_takes_more_is_found(pattern: str, text: Text, is_searched: bool) -> None:
    assert growth(re.compile(pattern), text, 300, is_searched=is_searched) >= MAX_GROWTH
