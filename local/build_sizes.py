"""Checks a build's sizes: the code of each Lambda with all its layers, unpacked."""

import json
from collections import Counter
from collections.abc import Iterator
from importlib.util import source_from_cache
from pathlib import Path
from typing import Any

from local.failure import Failure

#: Of a Lambda's code and all its layers, unpacked: 250 MB.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_BYTES = 262_144_000
MB = 1024 * 1024
FUNCTION = "AWS::Serverless::Function"


def check_sizes(build: Path, template: dict[str, Any], architecture: str) -> int:
    """Return the size of the largest Lambda, in bytes; raises Failure if one is too large."""
    folders = {name: _folders(build, template, name) for name in functions(template)}
    sizes = {name: sum(map(size, paths)) for name, paths in folders.items()}
    if too_large := [name for name, total in sizes.items() if total > MAX_BYTES]:
        largest = max(too_large, key=lambda name: sizes[name])
        packages: Counter[str] = Counter()
        for folder in folders[largest]:
            packages.update(size_by_package(folder))
        lines = "\n".join(f"  {n / MB:6.1f} MB  {name}" for name, n in packages.most_common(5))
        raise Failure(
            f"{', '.join(too_large)}: code and layers are {sizes[largest] / MB:.1f} MB unpacked, and "
            f"Lambda accepts 250 MB. The largest packages, for {architecture}:\n{lines}\n"
            "Remove packages that no operation imports from operations/requirements.txt, or use "
            "smaller ones. Wheels differ between processors: try "
            f"make build ARCHITECTURE={'x86_64' if architecture == 'arm64' else 'arm64'}. "
            "Container images, which may be larger, are not supported: run code that needs such packages "
            "in another service, and call it from the operation."
        )
    return max(sizes.values())


def size(folder: Path) -> int:
    """Return the size of all files in a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def size_by_package(folder: Path) -> dict[str, int]:
    """Return the size of each package in a layer, in bytes; other files count by their folder."""
    root = folder / "python" if (folder / "python").is_dir() else folder
    owners = {
        (root / line.rsplit(",", 2)[0]).resolve(): record.parent.name.removesuffix(".dist-info")
        for record in root.glob("*.dist-info/RECORD")
        for line in record.read_text().splitlines()
    }
    sizes: Counter[str] = Counter()
    for path in root.rglob("*"):
        if path.is_file():
            file = path.resolve()
            source = Path(source_from_cache(str(file))) if _is_bytecode(file) else file
            owner = owners.get(source) or path.relative_to(root).parts[0]
            sizes[owner.replace("-", " ") if source in owners else owner] += path.stat().st_size
    return dict(sizes)


def _is_bytecode(path: Path) -> bool:
    return path.suffix == ".pyc" and path.parent.name == "__pycache__"


def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the properties of each Lambda in a template, by logical id."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if isinstance(resource, dict) and resource["Type"] == FUNCTION
    }


def layers_elsewhere(template: dict[str, Any]) -> list[str]:
    """Return the layers of all Lambdas that are not in the build, by logical id, ARN or expression."""
    layers = (_layers(template, function) for function in functions(template).values())
    return sorted({name for names in layers for name in names if _content(template, name) is None})


def _folders(build: Path, template: dict[str, Any], function: str) -> list[Path]:
    """Return the folders of a Lambda's code and of all layers that it may have."""
    properties = functions(template)[function]
    contents = [_content(template, name) for name in _layers(template, properties)]
    paths = (properties.get("CodeUri"), *contents)
    return [build / path for path in paths if isinstance(path, str)]


def _content(template: dict[str, Any], layer: str) -> str | None:
    """Return a layer's path in the build; None if it is not in the build."""
    resource = template["Resources"].get(layer, {})
    content = resource.get("Properties", {}).get("ContentUri")
    return content if isinstance(content, str) else None


def _layers(template: dict[str, Any], function: dict[str, Any]) -> list[str]:
    """Return all layers that a Lambda may have, under any condition."""
    common = template.get("Globals", {}).get("Function", {}).get("Layers", [])
    return list(dict.fromkeys(_layer_names([common, function.get("Layers", [])])))


def _layer_names(layers: Any) -> Iterator[str]:
    """Yield the logical id or the ARN of each layer; another expression as JSON."""
    if isinstance(layers, list):
        for layer in layers:
            yield from _layer_names(layer)
    elif isinstance(layers, dict) and "Fn::If" in layers:
        yield from _layer_names(layers["Fn::If"][1:])
    elif layers != {"Ref": "AWS::NoValue"}:
        name = layers.get("Ref", layers) if isinstance(layers, dict) else layers
        yield name if isinstance(name, str) else json.dumps(name)
