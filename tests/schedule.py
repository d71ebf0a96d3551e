"""Shares the modules of tests between the processes of pytest-xdist; a module stays in one process.

A test of the local stack mostly waits, while most others keep a core busy. So the modules of
tests/e2e are the first, and only some processes take them: each of these starts a stack.
"""

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

#: Processes that start a local stack: the first ones.
_WITH_STACK = 2
_NEEDS_STACK = "tests/e2e/"
#: Modules that share one more stack, and so a process: each goes with the other.
_TOGETHER = {"tests/e2e/test_plain.py": "tests/e2e/test_least_privilege.py"}


class Schedule(LoadFileScheduling):
    """Takes modules in the order of collection, whatever the number of their tests."""

    def _split_scope(self, nodeid: str) -> str:
        module: str = super()._split_scope(nodeid)
        return _TOGETHER.get(module, module)

    def _assign_work_unit(self, node: WorkerController) -> None:
        module = self._next_for(node)
        if module is None:
            node.shutdown()
        else:
            self.workqueue.move_to_end(module, last=False)
            super()._assign_work_unit(node)

    def _next_for(self, node: WorkerController) -> str | None:
        """Return the next module that a process may run; None if none remains for it."""
        needing = [module for module in self.workqueue if module.startswith(_NEEDS_STACK)]
        others = [module for module in self.workqueue if module not in needing]
        takes = needing + others if node in self.nodes[:_WITH_STACK] else others
        return next(iter(takes), None)
