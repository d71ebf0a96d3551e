"""`make deploy` against the emulator: a stage is asked about once, and what its stack has is kept."""

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from local import deploy, emulator, guide
from local.emulator import Emulator
from local.state import Present
from tests.e2e.checkout import REGION, Checkout
from tests.e2e.patience import PATIENCE_S

pytestmark = pytest.mark.nightly

TOPIC = f"arn:aws:sns:{REGION}:000000000000:alarms"
FIRST = {
    "AlarmsTo": TOPIC,
    "Shards": "3",
    "JwtIssuer": "https://id.example.com",
    "JwtAudience": "an api of ours",
    # The emulator's quota is as small as the machine.
    "OnTimeConcurrency": "3",
    "FlexibleConcurrency": "2",
    "WebhookConcurrency": "2",
}
SMALL = "OnTimeConcurrency=2 FlexibleConcurrency=2 WebhookConcurrency=2"


def _at_this_terminal() -> None:
    """Have Ctrl-C come from this terminal, and end the command also where the tests ignore it."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """make at a terminal, where a person types."""

    def __init__(self, checkout: Checkout, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            ["make", "deploy", *arguments],
            cwd=checkout.folder,
            env=checkout.environment() | {"TERM": "dumb", "COLUMNS": "200"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_at_this_terminal,
        )
        os.close(slave)
        self.said = ""

    def reads(self, text: str) -> None:
        """Wait until it says something; fails where it ends without."""
        seen = len(self.said)
        while text not in self.said[seen:]:
            assert self._read(), f"{text!r} was not said:\n{self.said}"

    def types(self, *keys: str) -> None:
        for key in keys:
            os.write(self._master, key.encode())

    def stops(self) -> int:
        """Press Ctrl-C until it ends; return its exit code.

        Between a prompt and its read, Python takes note of Ctrl-C, and reads on until the next key.
        """
        until_s = time.monotonic() + PATIENCE_S
        while self._process.poll() is None:
            assert time.monotonic() < until_s, f"Ctrl-C was not heard:\n{self.said}"
            with suppress(OSError):  # it has ended meanwhile
                self.types("\x03")
            while select.select([self._master], [], [], 2)[0] and self._read():
                pass
        return self.ends()

    def ends(self) -> int:
        """Return its exit code, once it has ended and all that it said was read."""
        while self._read():
            pass
        os.close(self._master)
        return self._process.wait()

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], PATIENCE_S)
        if not ready:
            self._process.kill()
        assert ready, f"for {PATIENCE_S:g} s nothing was said:\n{self.said}"
        try:
            read = os.read(self._master, 65536)
        except OSError:  # Linux's error where the other side is closed
            read = b""
        self.said += read.decode(errors="replace")
        return bool(read)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An account of its own."""
    with Emulator(tmp_path_factory.mktemp("account"), emulator.free_port()) as aws:
        aws.wait_until_ready()
        yield aws.endpoint


@pytest.fixture(scope="module")
def checkout(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"), endpoint)


@pytest.fixture(scope="module")
def first(checkout: Checkout) -> str:
    """What the first deployment of `prod` has said, without a terminal."""
    parameters = " ".join(f'{name}="{value}"' for name, value in FIRST.items())
    named = (f"PARAMETERS={parameters}", f"ARCHITECTURE={deploy.ARCHITECTURE}")
    return checkout.made("deploy", "STACK=prod", f"AWS_REGION={REGION}", *named, closed=True)


@pytest.fixture(scope="module")
def prod(checkout: Checkout, first: str) -> Present:
    """The stack as the first deployment left it."""
    stack = checkout.present("prod")
    assert stack is not None
    return stack


def test_a_first_deployment_without_a_terminal_asks_nothing(prod: Present, first: str) -> None:
    assert FIRST.items() <= prod.parameters.items()
    assert prod.parameters["Architecture"] == deploy.ARCHITECTURE
    assert "A new stack; parameters: defaults, except" in first
    assert "AlarmsTo = " in first
    assert "make key OWNER=name STACK=prod" in first


def test_where_it_went_is_noted(checkout: Checkout, prod: Present) -> None:
    written = checkout.stages.read_text()

    assert f'[prod]\nregion = "{REGION}"\naccount = "000000000000"\n' in written


def test_a_second_deployment_leaves_equal_parameters_and_asks_nothing_at_a_terminal(
    checkout: Checkout, prod: Present
) -> None:
    terminal = Terminal(checkout, "STACK=prod")
    code = terminal.ends()
    stack = checkout.present("prod")

    assert code == 0, terminal.said
    assert stack is not None
    assert stack.parameters == prod.parameters
    assert f"Building for {deploy.ARCHITECTURE}" in terminal.said
    assert "An update; parameters: unchanged" in terminal.said
    assert "]: " not in terminal.said.partition("Building for")[0]


def test_a_parameter_that_is_named_changes_and_the_rest_stays(
    checkout: Checkout, prod: Present
) -> None:
    kept = checkout.stages.read_text()
    checkout.stages.write_text(f'{kept}tags = {{team = "billing", "cost center" = "a b"}}\n')
    said = checkout.made("deploy", "STACK=prod", "PARAMETERS=AlarmsTo= OnTimeConcurrency=4")
    changed = checkout.present("prod")
    checkout.stages.unlink()
    elsewhere = checkout.made("deploy", "STACK=prod", f"AWS_REGION={REGION}", closed=True)
    later = checkout.present("prod")

    assert changed is not None
    assert changed.parameters["Release"] != prod.parameters["Release"]
    release = {"Release": changed.parameters["Release"]}
    wanted = prod.parameters | {"AlarmsTo": "", "OnTimeConcurrency": "4"} | release
    assert changed.parameters == wanted
    assert changed.tags == {"team": "billing", "cost center": "a b"}
    assert f"AlarmsTo = '' (was '{TOPIC}')" in said
    assert later is not None
    assert (later.parameters, later.tags) == (wanted, changed.tags)
    assert "stages.toml now has [prod]" in elsewhere
    assert checkout.stages.read_text() == kept


def test_a_changed_parameter_reaches_the_versions_that_are_served(
    checkout: Checkout, prod: Present
) -> None:
    before = checkout.served("prod", "Work")
    checkout.made("deploy", "STACK=prod", "PARAMETERS=OperationsMemory=1536 Shards=4")
    after = checkout.served("prod", "Work")

    assert (before["MemorySize"], after["MemorySize"]) == (1024, 1536)
    assert int(after["Version"]) == int(before["Version"]) + 1
    assert after["Environment"]["Variables"]["NOWLATER_SHARDS"] == "4"


def test_a_key_is_made_where_the_stage_is(checkout: Checkout, prod: Present) -> None:
    token = checkout.made("--silent", "key", "STACK=prod", "OWNER=acme").splitlines()[0]
    listed = checkout.made("--silent", "key", "STACK=prod", "LIST=1")

    assert f"{token.split('_')[1]}  acme  " in listed


@pytest.mark.parametrize("tool", ["redrive", "republish"])
def test_the_other_commands_find_the_stage(checkout: Checkout, prod: Present, tool: str) -> None:
    assert checkout.made("--silent", tool, "STACK=prod", "LIST=1").startswith("0 ")


# ── asked about, at a terminal ────────────────────────────────────────────────────────────────


def test_a_first_deployment_at_a_terminal_asks_once(checkout: Checkout) -> None:
    terminal = Terminal(
        checkout, "STACK=asked", f"PARAMETERS={SMALL}", f"ARCHITECTURE={deploy.ARCHITECTURE}"
    )
    terminal.reads("region of the stack []: ")
    terminal.types("Frankfurt\n")
    terminal.reads("region = 'Frankfurt' is wrong")
    terminal.types(f"{REGION}\n")
    terminal.reads("AlarmsTo []: ")
    terminal.types("ops@example.com\n")
    terminal.reads("it does not match")
    terminal.types(f"{TOPIC}\n")
    take_defaults(terminal, guide.ASKED[1:])
    terminal.reads("Create it (yes or no) [yes]: ")
    terminal.types("\n")
    code = terminal.ends()
    made = checkout.present("asked")

    assert code == 0, terminal.said
    assert made is not None
    assert made.parameters["AlarmsTo"] == TOPIC
    assert made.parameters["JwtIssuer"] == ""
    assert "[asked]" in checkout.stages.read_text()
    assert "JwtAudience []" not in terminal.said


def take_defaults(terminal: Terminal, names: Sequence[str]) -> None:
    """Answer these questions with Enter."""
    for name in names:
        if name != "JwtAudience":  # without an issuer it is not asked for
            terminal.reads(f"{name} []: ")
            terminal.types("\n")


@pytest.mark.parametrize(("keys", "said"), [("no\n", "Nothing was built"), ("\x03", "Stopped")])
def test_who_does_not_want_it_gets_nothing(checkout: Checkout, keys: str, said: str) -> None:
    known = [f"AWS_REGION={REGION}", "STACK=unwanted", f"PARAMETERS={SMALL}"]
    terminal = Terminal(checkout, *known)
    terminal.reads(f"region of the stack [{REGION}]: ")
    terminal.types("\n")
    take_defaults(terminal, guide.ASKED)
    terminal.reads("Create it")
    if keys == "\x03":
        code = terminal.stops()
    else:
        terminal.types(keys)
        code = terminal.ends()

    assert code != 0
    assert said in terminal.said
    assert "Building" not in terminal.said
    assert "Traceback" not in terminal.said
    assert checkout.present("unwanted") is None
    assert not checkout.stages.exists() or "unwanted" not in checkout.stages.read_text()


# ── refused, before anything is built ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("Shards=2", "and Shards cannot decrease"),
        ("Shard=4", "Did you mean Shards?"),
        ("WorkTimeout=301", "it must be one of 60, 120, 300"),
        ("Shards", "is not Name=value"),
        ("JwtAudience=", "JwtIssuer needs a JwtAudience"),
        ("SyncConcurrency=1000", "100 must stay unreserved"),
        ("OnTimeConcurrency=1000", "Callers would get 5xx"),
    ],
)
def test_what_would_fail_is_refused(
    checkout: Checkout, prod: Present, parameters: str, said: str
) -> None:
    before = checkout.present("prod")

    assert said in checkout.refused("STACK=prod", f"PARAMETERS={parameters}")
    assert checkout.present("prod") == before


def test_region_and_account_of_a_profile_are_taken(
    endpoint: str, prod: Present, tmp_path: Path
) -> None:
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text(f"[profile company]\nregion = {REGION}\n")
    credentials.write_text("[company]\naws_access_key_id = test\naws_secret_access_key = test\n")
    known = {"AWS_PROFILE": "company", "AWS_CONFIG_FILE": str(config)}
    known |= {"AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    known |= {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    said = Checkout(tmp_path / "checkout", endpoint, known).refused(
        "STACK=prod", "PARAMETERS=Shards=2"
    )

    assert f"prod: {REGION}, account 000000000000, profile company" in said
    assert "Shards cannot decrease" in said


def test_without_a_region_it_says_how_to_name_one(checkout: Checkout) -> None:
    said = checkout.refused("STACK=elsewhere")

    assert "In which region is elsewhere?" in said
    assert "AWS_REGION=" in said


def test_credentials_of_another_account_are_refused(endpoint: str, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "checkout", endpoint)
    other.stages.write_text(f'[prod]\nregion = "{REGION}"\naccount = "999999999999"\n')

    assert "prod is in account 999999999999" in other.refused("STACK=prod")
    done = other.make("key", "STACK=prod", "LIST=1")
    assert done.returncode != 0
    assert "prod is in account 999999999999" in done.stdout


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            "There are no AWS credentials here",
        ),
        ({"AWS_PROFILE": "company"}, "(company) could not be found"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "AWS does not respond"),
    ],
    ids=["none", "no such profile", "no network"],
)
def test_who_cannot_reach_aws_is_told_why(
    endpoint: str, tmp_path: Path, known: dict[str, str], said: str
) -> None:
    checkout = Checkout(tmp_path / "checkout", endpoint, known | {"AWS_MAX_ATTEMPTS": "1"})
    for arguments in (
        ["deploy"],
        ["key", "LIST=1"],
        ["redrive", "LIST=1"],
        ["republish", "LIST=1"],
    ):
        done = checkout.make(*arguments, "STACK=prod", f"AWS_REGION={REGION}")

        assert done.returncode != 0
        assert said in done.stdout
        assert "Traceback" not in done.stdout
