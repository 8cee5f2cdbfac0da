"""README and docs/: the generated pages are current, links lead somewhere, and every block of code runs.

A page is run from top to bottom as a reader would paste it, in one shell, against a server of its own in which the demo
world has been built. What is said after a block's language tells how it is run:

    bash, python, js       in order
    bash terminal          in a terminal of its own, until the page is done; has to print a line with `Ready`
    js stripe@21           with that release of stripe-node
    python with dj-stripe  with that package
    python test_cards.py   kept in a file of that name, and run by pytest
    js cards.test.mjs      kept in a file of that name, and run by node's test runner where it is a test
    … shown                not at all: has a row in SHOWN that says why
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from bench.postgres import PostgresServer, free_port
from bench.running import Running
from emulator import fixtures
from emulator.catalog import CATALOG
from emulator.cli.calling import http_client
from emulator.data.version_changes import CHANGES
from emulator.first_steps import DEMO_KEY
from tests import packages
from tests.stripe_cli.conftest import NOWHERE
from tests.stripe_cli.conftest import VERSION as STRIPE_CLI
from tools import operations_table, settings_table, versions_page

TOP = Path(__file__).parent.parent
README = TOP / "README.md"
PAGES = [README, *sorted((TOP / "docs").glob("*.md"))]
FENCE = re.compile(r"^( *)```(.*)\n((?:.*\n)*?)\1```$", re.MULTILINE)
STRIPE_NODE = {"": "23.1.0", "stripe@21": "21.0.1", "stripe@20": "20.2.0"}
PYTHON_PACKAGES = {"with dj-stripe": lambda: packages.from_pypi("dj-stripe", "2.11.0")}
Got = TypeVar("Got")
PATIENCE_SECONDS = 300
NO_REGISTRY = "its SDK comes from a registry that the tests do not reach"
# Blocks that are shown and not run: page, first line, and why.
SHOWN = {
    ("README.md", "make demo"): "what the tests stand in for",
    ("recipes.md", "python3.11 -m venv airbyte && airbyte/bin/pip install airbyte-source-stripe==5.14.1"): (
        "half a gigabyte; what it asks for is run below it"
    ),
    (
        "recipes.md",
        '<script src="http://127.0.0.1:12111/v3/"></script>',
    ): "tests/stripe_js has such a page in a browser",
    ("sdks.md", "const httpClient = Stripe.createNodeHttpClient();"): "tests/sdks does so with a release before 21",
    ("dashboard.md", "def payout(view: View, id: str) -> Response:"): "tests/dashboard has pages that are there",
    ("dashboard.md", "{% block region_payout_status %}"): "tests/dashboard has pages that are there",
    (
        "reliability.md",
        "make fuzz",
    ): "tests have the short forms: test_fuzz, test_kill, test_simulation, test_endurance",
    ("reliability.md", "python -m bench.simulation --seeds 100"): "tests/test_simulation.py is the short form",
    ("sdks.md", 'here = "http://127.0.0.1:12111"'): NO_REGISTRY,
    ("sdks.md", "$here = 'http://127.0.0.1:12111';"): NO_REGISTRY,
    ("sdks.md", 'config := &stripe.BackendConfig{URL: stripe.String("http://127.0.0.1:12111")}'): NO_REGISTRY,
    ("sdks.md", 'String here = "http://127.0.0.1:12111";'): NO_REGISTRY,
    ("sdks.md", 'var here = "http://127.0.0.1:12111";'): NO_REGISTRY,
    ("testing.md", "- run: pip install ./stripe-issuing-emulator"): "a workflow of GitHub's",
    ("testing.md", "services:"): "a workflow of GitHub's, with an image that its reader has to have",
    ("testing.md", 'var emulator = new GenericContainer<>("stripe-issuing-emulator")'): NO_REGISTRY,
    ("postgresql.md", "python -m bench.webhook_storm --events 10000 --kills 20 --processes 3 --seed 14"): (
        "tests/postgres/test_deaths.py has the short forms"
    ),
    ("postgresql.md", "pip install 'stripe-issuing-emulator[postgres]'"): "what the tests are installed with",
    (
        "postgresql.md",
        "export STRIPE_EMULATOR_DATABASE="
        "'postgresql://owner:secret@db1:5432,db2:5432/worlds?target_session_attrs=read-write'",
    ): "hosts of the reader's own; tests/postgres/test_failover.py has two",
    ("stripe-cli.md", "stripe-emulator serve"): "the tests have a server of their own",
    ("stripe-cli.md", "stripe-emulator serve --unix-socket /tmp/stripe.sock"): "tests/stripe_cli goes through a socket",
}
# What has to be printed by the blocks of a page, in this order.
PRINTED = {
    "README.md": [
        r"^account acct_\w+, financial account fa_\w+, received credit rc_\w+: 20000 cents$",
        r"^cardholder ich_\w+, card ic_\w+, number 4\d{15}$",
        r"^authorization iauth_\w+, transaction ipi_\w+, refund ipi_\w+: 19300 cents$",
        r"^outbound flows restricted$",
        r"^authorization iauth_\w+ declined by: the outbound flows of the financial account fa_\w+ are restricted$",
        r"^outbound flows unrestricted$",
        r"^dispute idp_\w+ submitted, then won: 19300 cents$",
        r"^dispute idp_\w+ submitted, then lost: 18800 cents$",
        r"^accounts \['acct_",
        r"^accounts \[ 'acct_|^accounts \[$",
    ],
    "clock.md": [
        r"^declined_purchase: 200",
        r", frozen$",
        r'"status": "expired"',
        r"^2030-01-01 .*, frozen$",
        r", running$",
        r'"frozen": true',
    ],
    "laboratory.md": [
        r"^declined_purchase: 200",
        r"^before \(one card, nothing captured\): at 2031-01-01 .* kept$",
        r"^before .* ago|^before .* just now",
        r"^The world is before again, at 2031-01-01 ",
        r"^2031-01-01 .*, frozen$",
        r"^The world is what it was at its start\.$",
        r'"object": "emulator.reset"',
        r"^sk_test_lab_two has a world of its own",
        r"^world.sqlite: [\d,]+ bytes$",
        r"^The world is that of world.sqlite, at 2031-01-01 ",
        r'"object": "emulator.world"',
        r"^iauth_\w+ of acct_\w+$",
        r", and adds up$",
        r"^~ issuing.authorization iauth_",
    ],
    "recipes.md": [
        r"webhook_approved",
        r"webhook_declined",
        r'"drained": true',
        r'"object": "emulator.webhook_verdict"',
        r"^active$",
        r"^suspended$",
        r"^intok_\w+$",
        r"^4000\d{12}$",
        r"^hotel +A guest arrives",
        r"^played to its end$",
        r"^played to its end$",
        r"^played to its end$",
        r"would be asked$",
        r"would be asked$",
        r"^issuing.authorization iauth_",
        r'"object": "list"',
        r'"type": "issuing_card.created"',
        r"Synced 3 IssuingAuthorization ",
        r"approved",
        r"^led to http://127.0.0.1:\d+/back$",
        r"^\{'transfers': 'active'\}$",
        r"^standard$",
        r'"stripe_user_id": "acct_',
        r"'card_issuing': 'active', 'transfers': 'active', 'treasury': 'active'",
        r"'stripe_transfers': \{'status': 'active'",
    ],
    "command-line.md": [
        r"  issuing_card.created  ic_",
        r" 200 POST   /v1/issuing/cards  req_",
        r"^lock_timeout: the next 2 of any /v1/issuing/cards/{card}$",
        r"^No fault waits.$",
    ],
    "testing.md": [r"6 passed", r"^pounds: gbp$", r"^made Ada$", r"^read Ada$", r"pass 1$"],
    "sdks.md": [
        r"^client: file_\w+ 0$",
        r"^module: file_\w+ 0$",
        r"^node: file_\w+ 0$",
        r"^node 21: file_\w+$",
        r"^sample: US$",
    ],
    "postgresql.md": [
        r"is ready: \d+ tables",
        r'"name": "Ada"',
        r'"name": "Ada"',
        r"^The books of 1 world are whole\.$",
        r"^team.sqlite: [\d,]+ bytes$",
        r"can be served\.$",
        r"^The books of 1 world are whole\.$",
    ],
    "stripe-cli.md": [
        r'"object": "balance"',
        r'"reason": "webhook_approved"',
        r"webhook_approved",
        r"webhook_declined",
        r"webhook_declined",
        r'"object": "list"',
    ],
}


class Block(NamedTuple):
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    how: str
    code: str

    @property
    def first_line(self) -> str:
        return self.code.partition("\n")[0]

    @property
    def is_shown(self) -> bool:
        return self.how == "shown"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text()
    found = []
    for match in FENCE.finditer(text):
        language, _, how = match[2].strip().partition(" ")
        code = "".join(line.removeprefix(match[1]) for line in match[3].splitlines(keepends=True))
        found.append(Block(page, text.count("\n", 0, match.start()) + 1, language, how.strip(), code))
    return found


TO_RUN = [page for page in PAGES if not all(block.is_shown for block in blocks(page))]


class Runner:
    """Makes one shell script of a page. What cannot be had here is left out, and why is kept in `missing`."""

    def __init__(self, folder: Path, server: Running, postgres: PostgresServer | None = None) -> None:
        self.folder = folder
        self.server = server
        self.missing: set[str] = set()
        self.terminals = 0
        self.path = [self.with_commands(), *self.got(lambda: [packages.stripe_cli(STRIPE_CLI).parent], [])]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.ports = {"12111": str(server.port), "4242": str(free.getsockname()[1])}
        if postgres is not None:
            self.path.append(postgres.programs)
            self.ports |= {"5432": str(postgres.port), "12112": str(free_port()), "12113": str(free_port())}

    def with_commands(self) -> Path:
        """A folder with `stripe-emulator` and `python3` as a reader's terminal has them."""
        commands = self.folder / "commands"
        commands.mkdir()
        python = shlex.quote(sys.executable)
        for name, call in {"stripe-emulator": f"{python} -m emulator.cli", "python3": python}.items():
            (commands / name).write_text(f'#!/bin/sh\nexec {call} "$@"\n')
            (commands / name).chmod(0o755)
        return commands

    def got(self, get: Callable[[], Got], otherwise: Got) -> Got:
        """What is got from outside, or what stands for it where it cannot be had."""
        try:
            return get()
        except packages.Unreachable as reason:
            self.missing.add(str(reason))
            return otherwise

    def script(self, page: Path) -> str:
        """The blocks of a page as one script."""
        parts = ["set -euo pipefail"]
        for block in blocks(page):
            if not block.is_shown:
                parts += [f"echo 'at {page.name}:{block.line}' >&2", self.part(block)]
        return "\n".join(parts)

    def part(self, block: Block) -> str:
        """One block as a part of the script, with the ports that are ours."""
        code = re.sub(r"\b(12111|4242|5432|12112|12113)\b", lambda port: self.ports.get(port[1], port[1]), block.code)
        call = {"bash": self.bash, "python": self.python, "js": self.node}[block.language](block, code)
        return self.in_a_terminal(call) if block.how == "terminal" else call

    def bash(self, block: Block, code: str) -> str:
        needs_the_cli = re.search(r"^ *stripe |\(stripe ", code, re.MULTILINE)
        return "true" if needs_the_cli and len(self.path) == 1 else code

    def python(self, block: Block, code: str) -> str:
        if block.how.endswith(".py"):
            (self.folder / block.how).write_text(code)
            return f"PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 {sys.executable} -m pytest -p emulator.pytest_plugin {block.how}"
        get = PYTHON_PACKAGES.get(block.how)
        packages_in = self.got(get, None) if get else ""
        run = f"PYTHONPATH={packages_in}:{TOP} {sys.executable} -u {self.written(block, code, 'py')}"
        return "true" if packages_in is None else run

    def node(self, block: Block, code: str) -> str:
        is_file = block.how.endswith(".mjs")
        folder = self.got(lambda: packages.from_npm("stripe", STRIPE_NODE["" if is_file else block.how]), None)
        if is_file:
            (self.folder / block.how).write_text(code)
            call = f"ln -sfn {folder}/node_modules node_modules && node --test {block.how}"
            return call if folder and ".test." in block.how else "true"
        # Code that comes without a file looks for its imports where node is called.
        return f"(cd {folder} && node --input-type=module < {self.written(block, code, 'mjs')})" if folder else "true"

    def written(self, block: Block, code: str, ending: str) -> Path:
        file = self.folder / f"{block.page.stem}-{block.line}.{ending}"
        file.write_text(code)
        return file

    def in_a_terminal(self, call: str) -> str:
        self.terminals += 1
        console = self.folder / f"terminal-{self.terminals}"
        return (
            f"( {call}\n) > {console} 2>&1 &\n"
            f"for moment in $(seq 300); do grep -qs Ready {console} && break; sleep 0.1; done\n"
            f"grep -q Ready {console} || {{ cat {console} >&2; exit 1; }}"
        )

    def run(self, page: Path, shell: str = "bash") -> subprocess.CompletedProcess[str]:
        """Run a page to its end, and stop what runs in its terminals."""
        environment = {
            **os.environ,
            "HOME": str(self.folder),
            "HTTP_PROXY": NOWHERE,  # the Stripe CLI would look for a newer one
            "HTTPS_PROXY": NOWHERE,
            "NO_PROXY": "127.0.0.1,localhost",
            "PATH": os.pathsep.join([*map(str, self.path), os.environ["PATH"]]),
            "PYTHONPATH": str(TOP),
            "STRIPE_EMULATOR_URL": self.server.url,
        }
        running = subprocess.Popen(
            [shell, *(["-f", "-i"] if shell == "zsh" else []), "-c", self.script(page)],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = running.communicate(timeout=PATIENCE_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
        return subprocess.CompletedProcess(running.args, running.returncode, out, err)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A server with the demo world, as `make demo` leaves it."""
    with Running(tmp_path / "data", "--quiet") as running:
        with http_client(running.url) as http:
            fixtures.run(fixtures.read(fixtures.shipped("demo")), http, DEMO_KEY)
        yield running


@pytest.mark.parametrize("page", TO_RUN, ids=lambda page: page.stem)
def test_every_block_of_a_page_runs_from_top_to_bottom(page, tmp_path, server, request):
    postgres = None
    if page.name == "postgresql.md":
        postgres = request.getfixturevalue("postgres")
        postgres.create("worlds")
    runner = Runner(tmp_path, server, postgres)

    done = runner.run(page)

    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    if runner.missing:
        pytest.skip(f"run without some of its blocks: {'; '.join(sorted(runner.missing))}")
    position = 0
    for pattern in PRINTED.get(page.name, []):
        found = re.compile(pattern, re.MULTILINE).search(done.stdout, position)
        assert found is not None, f"{pattern} is not in what was printed:\n{done.stdout[position:]}"
        position = found.end()


def test_every_block_says_how_it_is_run_and_every_one_that_is_not_has_its_reason():
    every = [block for page in PAGES for block in blocks(page)]

    assert {(block.page.name, block.first_line) for block in every if block.is_shown} == set(SHOWN)
    assert set(PRINTED) <= {page.name for page in TO_RUN}
    for block in every:
        ways = {"bash": {"", "terminal"}, "python": {"", "terminal", *PYTHON_PACKAGES}, "js": set(STRIPE_NODE)}
        is_file = block.how.endswith({"python": ".py", "js": ".mjs"}.get(block.language, "no file"))
        known = block.is_shown or is_file or block.how in ways.get(block.language, set())
        assert known, f"{block.page.name}:{block.line} is neither run nor marked as shown: {block.language} {block.how}"


def test_the_readme_can_be_pasted_into_the_shell_that_macs_have(tmp_path, server):
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")

    done = Runner(tmp_path, server).run(README, "zsh")

    assert done.returncode == 0, done.stderr
    assert len(re.findall("^dispute ", done.stdout, re.MULTILINE)) == 2


def test_no_block_for_a_shell_has_a_comment():
    """Typed into zsh, a comment is an argument."""
    every = [block for page in PAGES for block in blocks(page) if block.language == "bash"]

    assert [f"{block.page.name}:{block.line}" for block in every if re.search(r"(^|\s)#", block.code)] == []


def test_nothing_the_readme_pastes_undoes_what_it_built():
    code = "\n".join(block.code for block in blocks(README))

    assert not re.search(r"DELETE|_emulator/(reset|clock|settings)|/close|status=(inactive|canceled)", code)


def test_the_readme_can_be_read_in_one_go():
    assert len(README.read_text().splitlines()) <= 150


def test_what_the_readme_calls_not_built_is_not_built():
    named = README.read_text().partition("Not built yet:")[2].partition("\n\n")[0]
    missing = re.findall(r"`([\w/]+)`", named)

    assert len(missing) > 5
    for name in missing:
        assert not [route.path for route in CATALOG.routes if f"{route.path}/".startswith(f"/v1/{name}/")], name


def test_the_page_of_operations_and_the_readmes_four_lines_are_current():
    assert operations_table.FILE.read_text() == operations_table.page()
    assert README.read_text() == operations_table.with_areas(README.read_text())


def test_the_page_of_settings_is_current():
    assert settings_table.FILE.read_text() == settings_table.page()


def test_the_page_of_versions_is_current():
    assert versions_page.FILE.read_text() == versions_page.page()


def test_every_reading_of_a_version_is_a_known_guess():
    guesses = (TOP / "docs" / "known-guesses.md").read_text()

    assert [change.id for change in CHANGES if change.reading and f"| versions: {change.id} |" not in guesses] == []


def test_no_guess_and_no_line_of_the_changelog_is_there_twice():
    """Two that begin alike are one that was changed and its earlier self, which nobody took out."""
    rows = [line.split(" | ") for line in (TOP / "docs" / "known-guesses.md").read_text().splitlines() if "| " in line]
    guesses = [(area, *says.split()[:4]) for area, says, *_ in rows if area not in ("| area", "| ---")]
    changelog = (TOP / "CHANGELOG.md").read_text().split("## [Unreleased]")[1]
    entries = re.findall(r"^- ((?:\S+ ){3})", changelog, re.MULTILINE)
    broken = re.findall(r"\.\n  [a-z(].*", changelog)

    assert len(guesses) > 300 and len(entries) > 20
    assert (twice(guesses), twice(entries), broken) == ([], [], [])


def twice(values: list[Got]) -> list[Got]:
    return [value for value, count in Counter(values).items() if count > 1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(page):
    for target, _, heading in re.findall(r"\]\((?!https?:)([^)#]*)(#([^)]+))?\)", page.read_text()):
        file = page.parent / target if target else page
        assert file.exists(), target
        headings = [re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in headings_of(file)]
        assert not heading or heading in headings, f"{target}#{heading}"


def headings_of(page: Path) -> list[str]:
    return [line.lstrip("#").strip() for line in page.read_text().splitlines() if line.startswith("#")]


def test_every_page_is_reached_from_the_readme():
    assert [page.name for page in PAGES[1:] if f"](docs/{page.name})" not in README.read_text()] == []
