"""The catalogue of the operations, of which one process of the tests uses several."""

import sys

from nowlater.runtime import catalogue


def forget_catalogue() -> None:
    """Import the catalogue again at its next use: another may be the first in `sys.path` now."""
    catalogue._index.cache_clear()
    for name in [name for name in sys.modules if name.startswith("nowlater_catalogue")]:
        del sys.modules[name]
