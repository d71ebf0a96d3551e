"""The report: a table of guarantee, evidence and result that fits 80 columns, and where to look."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from textwrap import TextWrapper, wrap

from local.verify import parts
from local.verify.finding import Finding

#: Of result, guarantee and evidence: 80 columns with two spaces between them.
_WIDTHS = (7, 30, 39)
_WIDTH = 80
#: Words are not broken: they may be addresses and commands that the user copies.
_PARAGRAPH = TextWrapper(_WIDTH, break_long_words=False, break_on_hyphens=False)
_ITEM = TextWrapper(
    _WIDTH,
    break_long_words=False,
    break_on_hyphens=False,
    initial_indent="- ",
    subsequent_indent="  ",
)


def wrap_text(text: str) -> str:
    """Return a paragraph in lines of at most 80 columns."""
    return "\n".join(_PARAGRAPH.wrap(text))


def table(findings: Iterable[Finding]) -> str:
    """Return the findings as a table."""
    lines = [*_row("result", "guarantee", "evidence"), *_row(*("-" * width for width in _WIDTHS))]
    for finding in findings:
        lines += _row(finding.result, finding.guarantee, finding.evidence)
    return "\n".join(lines)


def _row(*cells: str) -> Iterator[str]:
    columns = [wrap(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)]
    for line in zip_longest(*columns, fillvalue=""):
        padded = (part.ljust(width) for part, width in zip(line, _WIDTHS, strict=True))
        yield "  ".join(padded).rstrip()


def where_to_look(findings: Iterable[Finding], requests: dict[str, str]) -> str:
    """Return which parts of the stack to look at; the one with the most failed checks comes first.

    `requests` are API Gateway's ids of failed requests, by part.
    """
    blamed = Counter(finding.part for finding in findings if finding.part is not None)
    paragraphs = []
    for part, failed in blamed.most_common():
        checks = "1 check failed" if failed == 1 else f"{failed} checks failed"
        text = f"{part} ({checks}). {parts.advice(part)}"
        if request := requests.get(part):
            text += f" The last failed request is {request} in the access log."
        paragraphs += _ITEM.wrap(text)
        if command := parts.log_command(part):
            paragraphs += ["", f"    {command}", ""]
    return "\n".join(["Where to look:", *paragraphs]).rstrip() if paragraphs else ""


def summary(findings: Iterable[Finding]) -> str:
    """Return how many checks have each result."""
    counts = Counter(finding.result for finding in findings)
    return ", ".join(f"{counts[result]} {result}" for result in ("passed", "FAILED", "skipped"))
