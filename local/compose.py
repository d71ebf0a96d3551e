"""`make template`: composes template.yaml from framework.yaml and the operations' resources.yaml.

It inserts text: comments and short forms (`!Ref`) of both files stay. Each section of resources.yaml
is inserted at the line `# + Section` of framework.yaml.
"""

import argparse
import re
import sys
from pathlib import Path

from local import composed, fragment
from local.failure import Failure
from local.fragment import Fragment

FRAMEWORK, TEMPLATE = Path("framework.yaml"), Path("template.yaml")
_PLACE = re.compile(r"^( *)# \+ (\w+)\n", re.MULTILINE)
#: The framework's own variable of operations, after which theirs are inserted.
_VARIABLES = re.compile(r'^( *)\{("NOWLATER_STACK": "\$\{AWS::StackName\}")\}\n', re.MULTILINE)


def compose(framework: str, own: Fragment) -> str:
    """Return the whole template."""

    def insert(place: re.Match[str]) -> str:
        indent, section = place.groups()
        text = own.sections.get(section)
        if not text:
            return ""
        head = f"# ── {section} of {own.path} ──\n"
        end = f"# ── end of {own.path} ──\n"
        return "".join(
            f"{indent}{line}" if line.strip() else line
            for line in (head + text + end).splitlines(keepends=True)
        )

    body = _VARIABLES.sub(lambda found: _variables(found, own), _PLACE.sub(insert, framework))
    return composed.mark(body)


def read(root: Path = Path()) -> str:
    """Return the template that the files in a folder give; raises Failure with the mistakes."""
    framework = (root / FRAMEWORK).read_text()
    return compose(framework, fragment.read(root / fragment.PATH, framework, shown=fragment.PATH))


def write(root: Path = Path()) -> bool:
    """Compose the template if it is not up to date; return whether it was written.

    Raises Failure with the mistakes in resources.yaml, and where the template itself was changed.
    """
    wanted, path = read(root), root / TEMPLATE
    present = path.read_text() if path.exists() else None
    if present == wanted:
        return False
    if present is not None and not composed.is_unchanged(present):
        raise Failure(
            f"{TEMPLATE} was changed by hand, and composing it would undo that. Move your changes "
            f"to {fragment.PATH}, delete {TEMPLATE}, and run make template."
        )
    path.write_text(wanted)  # in place: `make up` watches this file
    return True


def check(root: Path = Path()) -> None:
    """Raise Failure if the template is not what its sources give."""
    path = root / TEMPLATE
    if not path.exists() or path.read_text() != read(root):
        raise Failure(
            f"{TEMPLATE} lacks the latest changes of {FRAMEWORK} or {fragment.PATH}. "
            "Run make template, then build again."
        )


def _variables(place: re.Match[str], own: Fragment) -> str:
    """Return the variables of operations: the framework's, then their own, one a line."""
    indent, first = place.groups()
    members = [first, *own.variables]
    return f"{indent}{{" + f",\n{indent} ".join(members) + "}\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make template", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="only check that template.yaml is up to date"
    )
    arguments = parser.parse_args()
    try:
        if arguments.check:
            check()
        elif write():
            print(f"composed {TEMPLATE}")
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
