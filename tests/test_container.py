"""The image, by what its Dockerfile copies, runs and calls: no container engine is needed to see that these work."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
import yaml

from bench.postgres import ADMINISTRATOR

CHECKOUT = Path(__file__).parent.parent
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text().replace("\\\n", "")
NOBODY = 65534


def arguments(instruction: str, text: str = DOCKERFILE) -> list[str]:
    """The words of an instruction in its JSON form: `CMD ["…"]`."""
    return json.loads(re.search(rf"^{instruction}.*?(\[.*\])$", text, re.MULTILINE)[1])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python in which `pip install .` was run with what is copied into the image, and no more."""
    copied, built = tmp_path_factory.mktemp("app"), tmp_path_factory.mktemp("installed")
    for sources, target in re.findall(r"^COPY (.+) (\S+)$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            into = copied / target / source if target == "./" else copied / target
            one = CHECKOUT / source
            unkept = shutil.ignore_patterns("__pycache__")
            shutil.copytree(one, into, ignore=unkept) if one.is_dir() else shutil.copy(one, into)
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(built), str(copied)]
    ended = subprocess.run(build, capture_output=True, text=True, timeout=300)
    if ended.returncode != 0 and "No matching distribution found for hatchling" in ended.stdout + ended.stderr:
        pytest.skip("PyPI cannot be reached, so no wheel can be built")
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    assert 'pip install --no-cache-dir ".[postgres]"' in DOCKERFILE  # whose packages are among those of the tests
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(built)
    built.chmod(0o755)
    for folder in (built.parent, built.parent.parent):
        folder.chmod(0o755)
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(built), *dependencies]), "PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def started(environment: dict[str, str], data: Path, command: list[str]) -> Iterator[str]:
    """The address of a server on a free port, started as somebody who is not root where that can be."""
    assert command[0] == "stripe-emulator" and "USER emulator" in DOCKERFILE
    kept = ["--data", str(data)] if "--data" in command else []
    words = [sys.executable, "-m", "emulator.cli", *command[1 : -2 if kept else None], *kept, "--port", "0"]
    server = subprocess.Popen(words, env=environment, cwd=data, stdout=subprocess.PIPE, text=True, **somebody())
    try:
        yield re.match(r"Ready: (\S+)", server.stdout.readline())[1]
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=20)


def somebody() -> dict[str, Any]:
    """Who runs the server: root becomes nobody, unless this Python lies where only root can read."""
    nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    if os.getuid() != 0:
        return {}
    try:
        can_run = subprocess.run([sys.executable, "-c", "import flask"], capture_output=True, **nobody).returncode == 0
    except PermissionError:
        can_run = False
    return nobody if can_run else {}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The volume, which belongs to who serves."""
    folder = tmp_path / "data"
    folder.mkdir()
    if somebody():
        os.chown(folder, NOBODY, NOBODY)
        for above in (tmp_path, *list(tmp_path.parents)[:2]):
            above.chmod(0o755)
    return folder


def test_the_image_serves_under_any_name_keeps_its_worlds_and_says_that_it_is_well(installed, data):
    with started(installed, data, arguments("CMD")) as url:
        made = httpx.post(f"{url}/v1/customers", auth=("sk_test_image", ""), headers={"Host": "stripe:12111"}).json()
        words = [word.replace("http://127.0.0.1:12111", url) for word in arguments("HEALTHCHECK")]
        assert words[0] == "python"
        is_well = subprocess.run([sys.executable, *words[1:]], env=installed).returncode

    with started(installed, data, arguments("CMD")) as url:
        kept = httpx.get(f"{url}/v1/customers/{made['id']}", auth=("sk_test_image", "")).json()

    ill = subprocess.run([sys.executable, *words[1:]], env=installed, capture_output=True).returncode
    assert kept == made
    assert (is_well, ill) == (0, 1)


def test_the_application_beside_it_reaches_it_by_its_name_and_nobody_by_another(installed, data):
    compose = (CHECKOUT / "compose.yaml").read_text()
    command = [word.strip() for word in re.search(r"command: \[(.+)\]", compose)[1].split(",")]

    with started(installed, data, command) as url:
        here = stripe.StripeClient("sk_test_compose", base_addresses={"api": url})
        by_name = httpx.get(f"{url}/v1/balance", auth=("sk_test_compose", ""), headers={"Host": "stripe:12111"})
        by_another = httpx.get(f"{url}/v1/balance", auth=("sk_test_compose", ""), headers={"Host": "evil.example"})
        amount = here.v1.balance.retrieve().available[0].amount

    assert amount == 0
    assert (by_name.status_code, by_another.status_code) == (200, 421)


def test_three_servers_beside_postgresql_serve_one_world(installed, data, postgres):
    services = yaml.safe_load((CHECKOUT / "compose.postgres.yaml").read_text())["services"]
    servers, schema = services["stripe"], services["schema"]
    url = servers["environment"]["STRIPE_EMULATOR_DATABASE"]
    image = services["postgres"]["environment"]
    says = f"postgresql://{image['POSTGRES_USER']}:{image['POSTGRES_PASSWORD']}@postgres:5432/{image['POSTGRES_DB']}"
    here = postgres.database(is_prepared=False).replace("owner@", f"{ADMINISTRATOR}:secret@")  # the image's may do all
    environment = {**installed, "STRIPE_EMULATOR_DATABASE": url.replace(says, here)}

    init = [sys.executable, "-m", "emulator.cli", *schema["command"][1:]]
    ready = subprocess.run(init, env=environment, capture_output=True, text=True, **somebody())
    with ExitStack() as stack:
        urls = [
            stack.enter_context(started(environment, data, servers["command"]))
            for _ in range(servers["deploy"]["replicas"])
        ]
        how = {"auth": ("sk_test_compose", ""), "headers": {"Host": "stripe:12111"}}
        made = httpx.post(f"{urls[0]}/v1/customers", **how).json()
        seen = [httpx.get(f"{one}/v1/customers/{made['id']}", **how).json() for one in urls]
    postgres.drop(here.replace(f"{ADMINISTRATOR}:secret@", "owner@"))

    assert url == says == schema["environment"]["STRIPE_EMULATOR_DATABASE"]
    assert ready.returncode == 0, ready.stderr
    assert seen == [made] * 3
    assert schema["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert servers["depends_on"] == {"schema": {"condition": "service_completed_successfully"}}
