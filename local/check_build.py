"""Refuses what was built and AWS would not take: too large a Lambda, too large an environment.

CloudFormation would say so after minutes, by then halfway through a deployment, and of the packages
it would say nothing.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.util import source_from_cache
from pathlib import Path
from typing import Any

import yaml

from local.failure import Failure
from local.intrinsics import PLACEHOLDER, Guessed

#: Of the code of a Lambda and all its layers, unpacked: 250 MB.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_BYTES = 262_144_000
#: Of all environment variables of a Lambda, as JSON: that is what Lambda measures, by its own message
#: (https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594).
MAX_ENVIRONMENT = 4096
#: Of these, what the operations may have. The rest is for nowlater, which has names and URLs of the
#: stack's resources in it: they are longer where the stack's name is.
OPERATIONS_ENVIRONMENT = 2400
#: With this a stack's environment is reckoned: nobody's own is longer, or not by much.
LONG = {
    "stack_name": "n" * 64,
    "region": "ap-southeast-1",
}
LONG_PARAMETERS = {
    "PublicUrl": f"https://{'api.' * 15}example.com/{'v' * 32}",
    "CallbackPorts": "443,8443,9443,10443",
    "FlexibleWithin": 604_800,
    "OwnerWaiting": 50_000,
    "OwnerUploads": 1_000_000,
}
FUNCTION = "AWS::Serverless::Function"
MB = 1024 * 1024


def main() -> int:
    parser = argparse.ArgumentParser(prog="make build", description=__doc__)
    parser.add_argument("--build", type=Path, default=Path(".aws-sam/build"))
    parser.add_argument("--architecture", default="arm64")
    asked = parser.parse_args()
    try:
        template = _template(asked.build)
        largest = check_sizes(asked.build, template, asked.architecture)
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
    """Return the template that SAM writes beside what it has built: with long forms alone."""
    try:
        found: dict[str, Any] = yaml.safe_load((build / "template.yaml").read_text())
    except FileNotFoundError as error:
        raise Failure(f"There is no build in {build}. Run make build first.") from error
    return found


# ── code and layers ───────────────────────────────────────────────────────────────────────────


def check_sizes(build: Path, template: dict[str, Any], architecture: str) -> int:
    """Return the size of the largest Lambda, in bytes; raises Failure where one is too large."""
    folders = {name: _folders(build, template, name) for name in _functions(template)}
    sizes = {name: sum(map(size, found)) for name, found in folders.items()}
    if too_large := [name for name, total in sizes.items() if total > MAX_BYTES]:
        first = max(too_large, key=lambda name: sizes[name])
        packages: Counter[str] = Counter()
        for folder in folders[first]:
            packages.update(size_by_package(folder))
        lines = "\n".join(f"  {n / MB:6.1f} MB  {name}" for name, n in packages.most_common(5))
        raise Failure(
            f"{', '.join(too_large)}: code and layers are {sizes[first] / MB:.1f} MB unpacked, and "
            f"Lambda takes 250 MB. The largest packages, for {architecture}:\n{lines}\n"
            "Take out of layers/operations/requirements.txt what no operation imports, or use a "
            "smaller package for the same. Wheels differ between processors: try "
            f"make build ARCHITECTURE={'x86_64' if architecture == 'arm64' else 'arm64'}. "
            "Container images, which may be larger, are not supported: what needs such packages "
            "has to run elsewhere, and the operation calls it."
        )
    return max(sizes.values())


def size(folder: Path) -> int:
    """Return how many bytes the files in a folder have."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def size_by_package(folder: Path) -> dict[str, int]:
    """Return how many bytes each package in a layer has; what no package brought is by its name."""
    root = folder / "python" if (folder / "python").is_dir() else folder
    owners = {
        (root / line.rsplit(",", 2)[0]).resolve(): record.parent.name.removesuffix(".dist-info")
        for record in root.glob("*.dist-info/RECORD")
        for line in record.read_text().splitlines()
    }
    found: Counter[str] = Counter()
    for path in root.rglob("*"):
        if path.is_file():
            there = path.resolve()
            source = Path(source_from_cache(str(there))) if _is_bytecode(there) else there
            owner = owners.get(source) or path.relative_to(root).parts[0]
            found[owner.replace("-", " ") if source in owners else owner] += path.stat().st_size
    return dict(found)


def _is_bytecode(path: Path) -> bool:
    return path.suffix == ".pyc" and path.parent.name == "__pycache__"


def _functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    made = template["Resources"].items()
    return {
        name: r["Properties"] for name, r in made if isinstance(r, dict) and r["Type"] == FUNCTION
    }


def layers_elsewhere(template: dict[str, Any]) -> list[str]:
    """Return the layers of all Lambdas that are no folder of the build: what is known of them."""
    named = (_layers(template, function) for function in _functions(template).values())
    return sorted({name for names in named for name in names if _content(template, name) is None})


def _folders(build: Path, template: dict[str, Any], function: str) -> list[Path]:
    """Return the folders of a Lambda's code and of all layers that it may have."""
    own = _functions(template)[function]
    contents = [_content(template, name) for name in _layers(template, own)]
    return [build / at for at in (own.get("CodeUri"), *contents) if isinstance(at, str)]


def _content(template: dict[str, Any], layer: str) -> str | None:
    """Return where a layer lies in the build, None where it is not in it."""
    resource = template["Resources"].get(layer, {})
    content = resource.get("Properties", {}).get("ContentUri")
    return content if isinstance(content, str) else None


def _layers(template: dict[str, Any], function: dict[str, Any]) -> list[str]:
    """Return all layers that a Lambda may have, whichever condition holds."""
    common = template.get("Globals", {}).get("Function", {}).get("Layers", [])
    return list(dict.fromkeys(_named([common, function.get("Layers", [])])))


def _named(layers: Any) -> Iterator[str]:
    """Yield the logical id or the ARN of each layer; what is neither, as it is written."""
    if isinstance(layers, list):
        for layer in layers:
            yield from _named(layer)
    elif isinstance(layers, dict) and "Fn::If" in layers:
        yield from _named(layers["Fn::If"][1:])
    elif layers != {"Ref": "AWS::NoValue"}:
        said = layers.get("Ref", layers) if isinstance(layers, dict) else layers
        yield said if isinstance(said, str) else json.dumps(said)


# ── environment ───────────────────────────────────────────────────────────────────────────────


def check_environment(template: dict[str, Any]) -> int:
    """Return how many bytes the operations' variables take; raises Failure where AWS refuses them."""
    given = {n: v for n, v in LONG_PARAMETERS.items() if n in template.get("Parameters", {})}
    resolved = Guessed(template, given, **LONG)
    told = resolved.resources["OperationsEnvironment"]["Properties"]["Value"]
    if not isinstance(told, str) or PLACEHOLDER not in told:
        _check_variables(told)
    known = _known(told)
    share = measure(known) - len('""')
    if share > OPERATIONS_ENVIRONMENT:
        raise Failure(
            f"OperationsEnvironment in template.yaml takes {share:,} bytes of the Lambdas' "
            f"environment, in which each quotation mark counts twice, and {OPERATIONS_ENVIRONMENT:,} "
            "are the operations'. Put what is long into a parameter of Systems Manager or into an "
            "object of the bucket, and its name here."
        )
    common = template.get("Globals", {}).get("Function", {})
    for name, function in _functions(resolved.template).items():
        texts = _variables(resolved, common) | _variables(resolved, function)
        if (total := measure(texts) + OPERATIONS_ENVIRONMENT - share) > MAX_ENVIRONMENT and (
            known in texts.values()
        ):
            raise Failure(
                f"{name}: with all that the operations may have, its environment would be "
                f"{total:,} bytes, and Lambda takes {MAX_ENVIRONMENT:,}. Take variables out of "
                "Globals or of the Lambda in template.yaml; those for operations belong into "
                "OperationsEnvironment."
            )
    return measure(told) - len('""')


def _variables(resolved: Guessed, function: dict[str, Any]) -> dict[str, str]:
    """Return a Lambda's variables, what is known of them."""
    environment = resolved.value(function.get("Environment", {}))
    found = environment.get("Variables", {}) if isinstance(environment, dict) else {}
    return {k: _known(str(v)) for k, v in found.items()} if isinstance(found, dict) else {}


def _known(text: str) -> str:
    """Return a text without what only the account can tell: for that, nothing is refused."""
    return text.replace(PLACEHOLDER, "")


def measure(value: Any) -> int:
    """Return how many bytes something has as Lambda counts an environment: as JSON."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def _check_variables(told: str) -> None:
    try:
        variables = json.loads(told)
    except (TypeError, ValueError) as error:
        raise Failure(f"OperationsEnvironment in template.yaml is no JSON: {error}") from error
    texts = isinstance(variables, dict) and all(isinstance(v, str) for v in variables.values())
    if not texts:
        raise Failure(
            "OperationsEnvironment in template.yaml has to be a JSON object of texts, such as "
            '{"PRICES_TABLE": "prices", "RETRIES": "3"}: a number is in quotation marks too.'
        )


if __name__ == "__main__":
    sys.exit(main())
