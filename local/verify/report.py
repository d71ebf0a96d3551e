"""The report: a table of guarantee, evidence and result that fits 80 columns, and where to look."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from textwrap import TextWrapper, wrap

from local.verify import parts
from local.verify.finding import Finding

#: Of result, guarantee and evidence; with two spaces between them these are 80 columns.
_WIDTHS = (7, 30, 39)
_WIDTH = 80
#: Words stay whole: they may be addresses and commands, to be pasted.
_SHAPE = TextWrapper(_WIDTH, break_long_words=False, break_on_hyphens=False)
_ITEM = TextWrapper(
    _WIDTH,
    break_long_words=False,
    break_on_hyphens=False,
    initial_indent="- ",
    subsequent_indent="  ",
)


def wrapped(text: str) -> str:
    """Return a paragraph in lines that fit."""
    return "\n".join(_SHAPE.wrap(text))


def table(findings: Iterable[Finding]) -> str:
    """Return the findings as a table."""
    lines = [*_row("result", "guarantee", "evidence"), *_row(*("-" * width for width in _WIDTHS))]
    for finding in findings:
        lines += _row(finding.result, finding.guarantee, finding.evidence)
    return "\n".join(lines)


def _row(*cells: str) -> Iterator[str]:
    cut = [wrap(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)]
    for line in zip_longest(*cut, fillvalue=""):
        padded = (part.ljust(width) for part, width in zip(line, _WIDTHS, strict=True))
        yield "  ".join(padded).rstrip()


def where_to_look(findings: Iterable[Finding], requests: dict[str, str]) -> str:
    """Return which parts of the stack to look at, the one that explains most first.

    `requests` are the ids that API Gateway gave to requests that failed.
    """
    blamed = Counter(finding.part for finding in findings if finding.part is not None)
    paragraphs = []
    for part, failed in blamed.most_common():
        checks = "1 check failed" if failed == 1 else f"{failed} checks failed"
        said = f"{part} ({checks}). {parts.advice(part)}"
        if request := requests.get(part):
            said += f" The last request that failed is {request} in the access log."
        paragraphs += _ITEM.wrap(said)
        if command := parts.command(part):
            paragraphs += ["", f"    {command}", ""]
    return "\n".join(["Where to look:", *paragraphs]).rstrip() if paragraphs else ""


def summary(findings: Iterable[Finding]) -> str:
    """Return how many checks came to what."""
    counted = Counter(finding.result for finding in findings)
    return ", ".join(f"{counted[result]} {result}" for result in ("passed", "FAILED", "skipped"))
