"""Who imports whom: the kernel no product; products none of its rooms, each other one way, and no operations."""

from __future__ import annotations

import pytest

from tools import layers
from tools.layers import PRODUCTS, ROOT, broken, circles, imports, uses

TREE = {
    "kernel/world.py": "import emulator.kernel.store\n",
    "kernel/store.py": "",
    "treasury/receipts.py": "from emulator.kernel import world\n",
    "issuing/cards.py": (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from emulator.treasury import receipts\n"
        "def late():\n    from emulator.kernel.store import Store\n"
    ),
    "catalog.py": "from emulator.issuing import cards\nfrom json import dumps\n",
}


@pytest.fixture
def tree(tmp_path):
    """Writes the tree above with some files more, and gives back all uses in it."""

    def written(**more):
        for name, text in {**TREE, **{f"{path.replace('__', '/')}.py": text for path, text in more.items()}}.items():
            file = tmp_path / "emulator" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return uses(tmp_path / "emulator")

    return written


def test_no_rule_is_broken():
    assert broken(uses(ROOT)) == []


def test_the_layers_are_read_from_every_import_wherever_it_stands(tree):
    counts = imports(tree())

    assert layers.layers(counts) == [["kernel"], ["treasury"], ["issuing"], ["catalog"]]
    assert counts["issuing"] == {"kernel": 1, "treasury": 1}
    assert layers.table(counts).splitlines()[-1] == " 3  catalog            issuing"


def test_folders_in_a_circle_stand_in_one_layer_and_are_named(tree):
    found = tree(treasury__flows="from emulator.issuing.cards import Card")

    assert layers.layers(imports(found)) == [["kernel"], ["issuing", "treasury"], ["catalog"]]
    assert circles(imports(found), PRODUCTS) == ["issuing", "treasury"]
    assert broken(found) == ["a circle of products: issuing, treasury"]


def test_a_kernel_that_imports_a_product_is_named(tree):
    assert broken(tree(kernel__clock="from emulator.treasury.receipts import url")) == [
        "emulator.kernel.clock imports emulator.treasury.receipts"
    ]


def test_a_room_of_the_kernel_that_a_product_enters_is_named_but_for_its_doors(tree):
    enters = tree(
        kernel__wire__forms="from emulator.kernel import world",
        kernel__tenants__glance="",
        issuing__cards="from emulator.kernel.wire import forms\nfrom emulator.kernel.tenants import glance",
    )

    assert broken(enters) == ["emulator.issuing.cards imports emulator.kernel.wire.forms"]
    assert imports(enters)["kernel.wire"] == {"kernel": 1}


def test_rooms_that_lead_back_to_themselves_are_named(tree):
    found = tree(kernel__tenants__tenant="from emulator.kernel.wire import forms", kernel__wire__forms="")

    assert broken(found) == []
    assert broken(tree(kernel__wire__forms="import emulator.kernel.tenants.tenant")) == [
        "a circle of rooms: kernel.tenants, kernel.wire"
    ]


def test_every_door_is_used():
    entered = {use.module for use in uses(ROOT) if use.folders[0] in PRODUCTS}

    assert set(layers.DOORS) <= entered


@pytest.mark.parametrize(
    "text",
    [
        "from emulator.connect.rejection import reject",
        "from emulator.connect import rejection as r\ndef f():\n    r.reject()",
    ],
)
def test_an_operation_of_another_product_is_not_to_be_used_by_name_or_through_its_module(tree, text):
    found = tree(connect__rejection="", treasury__flows=text)

    assert broken(found) == ["emulator.treasury.flows uses reject, an operation of emulator.connect.rejection"]
    assert broken(tree(connect__rejection="", connect__accounts=text, treasury__flows="")) == []


def test_what_a_cascade_runs_is_an_operation_too():
    assert ("emulator.issuing.cards", "cancel_rejected") in layers.operations()
    assert ("emulator.treasury.outbound_flows", "settle") in layers.operations()
