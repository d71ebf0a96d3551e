"""Refuses a build that AWS would refuse: too large a Lambda, or too large an environment.

CloudFormation reports it only minutes later, in the middle of a deployment, and does not name the
packages.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from local.build_environment import OPERATIONS_ENVIRONMENT, check_environment
from local.build_sizes import MB, check_sizes, layers_elsewhere
from local.failure import Failure


def main() -> int:
    parser = argparse.ArgumentParser(prog="make build", description=__doc__)
    parser.add_argument("--build", type=Path, default=Path(".aws-sam/build"))
    parser.add_argument("--architecture", default="arm64")
    arguments = parser.parse_args()
    try:
        template = _template(arguments.build)
        largest = check_sizes(arguments.build, template, arguments.architecture)
        share = check_environment(template)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    print(
        f"The largest Lambda has {largest / MB:.0f} of 250 MB, unpacked with its layers; the "
        f"operations' environment has {share:,} of {OPERATIONS_ENVIRONMENT:,} bytes."
    )
    if elsewhere := layers_elsewhere(template):
        print(f"Layers that were not built here are not counted: {', '.join(elsewhere)}.")
    return 0


def _template(build: Path) -> dict[str, Any]:
    """Return the template that SAM writes into the build, which has only long forms."""
    try:
        template: dict[str, Any] = yaml.safe_load((build / "template.yaml").read_text())
    except FileNotFoundError as error:
        raise Failure(f"There is no build in {build}. Run make build first.") from error
    return template


if __name__ == "__main__":
    sys.exit(main())
