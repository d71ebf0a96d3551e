"""The docs say what the code does: problems, the state machine, links, and examples that run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.project import new, note
from nowlater import problems, testing
from nowlater.jobs import model, protocol
from nowlater.jobs.protocol import Clause
from nowlater.runtime import schema
from nowlater.runtime.definition import DOORS, Operation
from tests import stack
from tests.snippets import DOCS, table

PAGES = sorted(DOCS.glob("*.md")) + sorted(stack.ROOT.glob("*.md"))
PAGES += sorted(stack.ROOT.glob("clients/*/README.md"))


def prose(text: str) -> str:
    """Return Markdown without its code blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page.read_text()), re.MULTILINE)
    return {anchor(heading) for heading in headings}


def anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text())):
        if not re.match(r"[a-z]+:", target):
            yield target


def clauses() -> dict[str, str]:
    """Return the clauses' names as the docs spell them, by their expressions."""
    named = {name: c for name, c in vars(protocol).items() if isinstance(c, Clause)}
    return {c.expression: name.lower().replace("_", " ") for name, c in named.items()}


def said(needed: tuple[Clause, ...]) -> str:
    """Return what a write needs as the docs say it."""
    names = clauses()
    either = {f"({a} OR {b})": f"({names[a]} or {names[b]})" for a in names for b in names}
    return " and ".join((names | either)[clause.expression] for clause in needed)


def examples() -> list[str]:
    """Return the Python code in the operations' docs."""
    text = (DOCS / "operations.md").read_text()
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def executed(code: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "docs/operations.md", "exec"), namespace)
    return namespace


def test_every_problem_is_in_the_error_table_with_its_status() -> None:
    documented = {row[0].strip("`"): int(row[1]) for row in table("http-api.md", "problem")}

    assert documented == {name: status for name, (status, _) in problems.KINDS.items()}


def test_the_state_table_is_the_one_that_the_writes_obey() -> None:
    documented = {row[0].strip("`"): row[1] for row in table("../ARCHITECTURE.md", "write")}

    assert documented == {write: said(clauses) for write, clauses in protocol.WRITES.items()}


def test_every_clause_is_explained() -> None:
    assert [row[0] for row in table("../ARCHITECTURE.md", "clause")] == list(clauses().values())


def test_every_status_is_explained() -> None:
    documented = {row[0].strip("`"): row[2] for row in table("http-api.md", "status | meaning")}

    assert documented == dict.fromkeys(model.UNFINISHED, "no") | dict.fromkeys(model.ENDED, "yes")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page

        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_a_link_of_a_page_that_projects_get_leads_to_what_they_get(tmp_path: Path) -> None:
    project = new.make("acme-tools", tmp_path / "acme")
    pages = [project / name for name in note.read(project).files if name.endswith(".md")]
    pages.append(project / "README.md")
    lost = [
        f"{page.relative_to(project)}: {link}"
        for page in pages
        for link in links(page)
        if not (page.parent / link.partition("#")[0]).exists()
    ]

    assert len(pages) > 10
    assert lost == []


@pytest.mark.parametrize("code", examples(), ids=lambda code: code.split("def ")[-1].split("(")[0])
def test_the_examples_of_operations_run(code: str) -> None:
    namespace = executed(code)
    specs = [getattr(member, "operation", None) for member in namespace.values()]
    served = [spec for spec in specs if isinstance(spec, Operation)]
    tests = [member for name, member in namespace.items() if name.startswith("test_")]

    assert served or tests
    for spec in served:
        assert schema.of_input(spec)["type"] == "object"
        assert schema.of_result(spec)
        assert spec.description
    for test in tests:
        test(*[_StandIn()] * test.__code__.co_argcount)


class _StandIn:
    """The fixture `served` without an API: an operation is called in this process."""

    def call(self, operation: str, given: dict[str, Any], door: str) -> Any:
        assert door in DOORS
        return testing.call(operation, given)


def test_every_decision_is_short_and_complete() -> None:
    _, *entries = re.split(r"^## ", (DOCS / "decisions.md").read_text(), flags=re.MULTILINE)

    assert entries
    for entry in entries:
        assert re.match(r"\d{4}-\d\d-\d\d: \S", entry), entry
        assert len(entry.strip().splitlines()) <= 10, entry
        assert re.findall(r"^- \*\*(\w+):\*\*", entry, re.MULTILINE) == [
            "What",
            "Why",
            "Cost",
            "Undo",
        ], entry


def test_the_index_of_decisions_lists_every_entry_once() -> None:
    page = DOCS / "decisions.md"
    index, _, entries = page.read_text().partition("\n## ")
    headings = re.findall(r"^## (.+)$", f"## {entries}", re.MULTILINE)

    assert sorted(re.findall(r"\]\(#(.+)\)", index)) == sorted(anchor(h) for h in headings)
