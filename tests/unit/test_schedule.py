"""Which process of `make test` runs which module of tests."""

from types import SimpleNamespace
from typing import Any

import pytest
from xdist.remote import Producer

from tests.schedule import Schedule

MODULES = {
    "tests/e2e/test_a.py": 4,
    "tests/e2e/test_least_privilege.py": 1,
    "tests/e2e/test_plain.py": 2,
    "tests/e2e/test_z.py": 4,
    "tests/integration/test_b.py": 9,
    "tests/unit/test_c.py": 30,
}
TESTS = [f"{module}::test_{n}" for module, count in MODULES.items() for n in range(count)]


class Process:
    """A process that runs what it is sent, one test after another."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.waiting: list[int] = []
        self.ran: list[str] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        assert not self.shutting_down
        self.waiting += indices

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def modules(self) -> list[str]:
        return list(dict.fromkeys(test.partition("::")[0] for test in self.ran))


def run(processes: list[Any], tests: list[str]) -> None:
    """Have processes run tests in turns until none is left."""
    option = SimpleNamespace(loadscopereorder=False)
    config: Any = SimpleNamespace(option=option, getvalue=lambda _: ["popen"] * len(processes))
    schedule = Schedule(config, Producer("test", enabled=False))
    for process in processes:
        schedule.add_node(process)
    for process in processes:
        schedule.add_node_collection(process, tests)
    schedule.schedule()
    while any(process.waiting for process in processes):
        for process in [p for p in processes if p.waiting]:
            index = process.waiting.pop(0)
            process.ran.append(tests[index])
            schedule.mark_test_complete(process, index)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_each_test_runs_once_and_each_module_in_one_process(count: int) -> None:
    processes = [Process(str(n)) for n in range(count)]
    run(processes, TESTS)

    assert sorted(test for process in processes for test in process.ran) == sorted(TESTS)
    assert sorted(m for process in processes for m in process.modules) == sorted(MODULES)
    assert all(process.shutting_down for process in processes)


def test_only_two_of_three_processes_need_a_stack_and_those_modules_are_the_first() -> None:
    first, second, third = processes = [Process(str(n)) for n in range(3)]
    run(processes, TESTS)

    assert first.modules[0] == "tests/e2e/test_a.py"
    assert second.modules[:2] == ["tests/e2e/test_least_privilege.py", "tests/e2e/test_plain.py"]
    assert third.modules[0] == "tests/integration/test_b.py"
    assert not [module for module in third.modules if "/e2e/" in module]


def test_a_process_ends_when_no_module_remains_for_it() -> None:
    processes = [Process(str(n)) for n in range(3)]
    run(processes, [test for test in TESTS if "/e2e/" in test])

    assert processes[2].ran == []
    assert processes[2].shutting_down
