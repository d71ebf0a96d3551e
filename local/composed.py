"""Marks a composed template with its digest, so that no change by hand is overwritten."""

import hashlib
import re

_HEAD = """\
# `make template` composes this file from framework.yaml and operations/resources.yaml: change those, not this one.
# SHA-256 of all lines below: {digest}
"""
_DIGEST = re.compile(r"\A# .*\n# SHA-256 of all lines below: (\w+)\n")


def mark(body: str) -> str:
    """Return a template with its digest above it."""
    return _HEAD.format(digest=_digest(body)) + body


def is_unchanged(text: str) -> bool:
    """Return whether a template is as `mark` returned it."""
    found = _DIGEST.match(text)
    return found is not None and found[1] == _digest(text[found.end() :])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
