"""The program that builds the catalogue layer, as a module."""

from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from tests import stack


def _build() -> ModuleType:
    spec = spec_from_file_location("build", stack.ROOT / "layers/catalogue/build.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = _build()
