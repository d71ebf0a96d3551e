"""What docs/deploying.md says that a stack costs is what the command prints, and adds up."""

import re
import subprocess
import sys

import pytest

from local import costs
from local.costs import Load
from tests import stack

PAGE = (stack.ROOT / "docs/deploying.md").read_text()


def test_the_page_has_what_the_command_prints() -> None:
    assert costs.table([Load(jobs) for jobs in costs.LOADS]) in PAGE


def test_the_pages_command_runs() -> None:
    (line,) = re.findall(r"^\.venv/bin/python (-m local\.costs .*?)\s+#", PAGE, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, *line.split()], cwd=stack.ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("| jobs a month | 200,000 |")


def test_an_idle_stack_costs_what_the_runbook_says() -> None:
    readme = (stack.ROOT / "README.md").read_text()

    assert f"some ${costs.IDLE:.2f} a month" in readme
    assert sum(Load(0).parts().values()) == costs.IDLE


def test_each_part_grows_with_what_it_is_for() -> None:
    base = Load(1000).parts()

    assert Load(2000).parts() == pytest.approx({n: 2 * d for n, d in base.items()} | {"idle": 5.64})
    assert Load(1000, seconds=2).parts()["operations"] == pytest.approx(2 * base["operations"])
    assert Load(1000, memory_mb=512).parts()["operations"] < base["operations"]
    assert Load(1000, polls=0).parts()["API"] == pytest.approx(base["API"] / 3)
