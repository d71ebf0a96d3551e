"""The code in a page of the docs, by the file name in its first line: `# receiver.py`, `// receiver.mjs`."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from tests import stack

DOCS = stack.ROOT / "docs"
_BLOCK = re.compile(r"^```\w+\n(?:#|//) (\S+\.\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(page: str) -> dict[str, str]:
    """Return the named snippets of a page."""
    return dict(_BLOCK.findall((DOCS / page).read_text()))


def table(page: str, header: str) -> list[list[str]]:
    """Return the rows of the table that begins with this cell."""
    _, _, rest = (DOCS / page).read_text().partition(f"\n| {header} |")
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def write(page: str, folder: Path) -> None:
    """Write the named snippets of a page into a folder."""
    for name, code in snippets(page).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)


@contextmanager
def modules(page: str, folder: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Write the snippets of a page into a folder, and have them imported from it by name."""
    write(page, folder)
    known = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(folder))
        for name in {Path(snippet).stem for snippet in snippets(page)} - known:
            sys.modules.pop(name, None)
