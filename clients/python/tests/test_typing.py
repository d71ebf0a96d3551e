"""What a type checker says to the code of users."""

from pathlib import Path

import pytest
from mypy import api

SOURCES = Path(__file__).parents[1]
HEAD = "from nowlater_client import AsyncClient, Client, File\nclient = Client('https://x', 'k')\n"
RIGHT = """
from datetime import timedelta

job = client.submit("echo", {"value": 1}, deadline=timedelta(hours=1), tags={"a": "b"})
status: str = job.status
job.wait(timeout=3, on_progress=lambda job: print(job.progress)).cancel().erase()
for found in client.jobs(status=["failed"], limit=3):
    found.retry(key="k").download("path")
client.jobs(status=("failed", "canceled"))
for delivery in client.deliveries():
    number: int = delivery.number
results = list(client.map("echo", ({"value": value} for value in range(3)), timeout=timedelta(1)))
list(client.for_each("erase", ["01a2"]))
for outcome in client.as_completed("echo", [{"value": 1}], key=lambda index, _: f"{index}"):
    if outcome.job is not None:
        outcome.job.refresh()


async def main(other: AsyncClient) -> str:
    await other.call("echo", {"file": File(b"", "text/csv")}, wait=3, retention=3600)
    async for job in other.jobs():
        await job.cancel()
    return (await other.submit("echo")).id
"""
WRONG = {
    "client.call('echo', wiat=3)": 'Unexpected keyword argument "wiat"',
    "client.call(1)": "Argument 1 ",
    "client.submit('echo', deadline='soon')": 'Argument "deadline"',
    "client.submit('echo').statsu": '"Job" has no attribute "statsu"',
    "client.map('echo', 5)": "Argument 2 ",
    "client.jobs(status='bogus')": 'Argument "status"',
    "AsyncClient('https://x', 'k').submit('echo').id": "has no attribute",
}


def test_wrong_code_is_found_and_right_code_is_not(tmp_path: Path) -> None:
    right, program = HEAD + RIGHT, tmp_path / "program.py"
    program.write_text(right + "\n".join(WRONG))
    options = ["--strict", "--no-error-summary", f"--cache-dir={tmp_path}/cache"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPYPATH", str(SOURCES))
        said = api.run([*options, str(program)])[0]

    first = len(right.splitlines()) + 1
    errors = [line for line in said.splitlines() if ": error: " in line]
    assert len(errors) == len(WRONG), said
    for number, (wanted, error) in enumerate(zip(WRONG.values(), errors, strict=True), first):
        assert f"program.py:{number}: " in error
        assert wanted in error
