"""Every parameter of v2, filled with all that it may hold and with nothing: taken or refused, never at a loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import fields

from emulator.catalog import CATALOG
from emulator.connect.params_v2 import OnlyInV1
from emulator.kernel import params as p
from tests.connect.test_accounts_v2 import ACCOUNTS, INCLUDED, opened
from tests.schemas import sample

WRITTEN = {
    route.path: route.params for route in CATALOG.routes if route.verb == "POST" and route.path.startswith("/v2/core/")
}


def whole(field: fields.Field) -> Any:
    """All that a field may hold."""
    if isinstance(field, p.Hash):
        return {name: whole(one) for name, one in field.schema.fields.items() if not isinstance(one, OnlyInV1)}
    if isinstance(field, p.List):
        return [whole(field.inner)]
    return "2024-01-01T00:00:00Z" if isinstance(field, p.Timestamp) else sample(field)


def bodies(params: type[p.Params]) -> Iterator[dict[str, Any]]:
    """Requests with one parameter each, at every depth: whole, and unset."""
    for name, field in params.shared().fields.items():
        for value in values(field):
            needed = {other: whole(one) for other, one in params.shared().fields.items() if one.required}
            yield {**needed, name: value}


def values(field: fields.Field) -> Iterator[Any]:
    """What may be sent of one parameter."""
    yield from (whole(field), None)
    inner = field.inner if isinstance(field, p.List) else field
    if isinstance(inner, p.Hash):
        for inside in bodies(inner.inner_params):
            yield [inside] if isinstance(field, p.List) else inside


@pytest.mark.parametrize("path", sorted(WRITTEN))
def test_whatever_is_sent_is_taken_or_refused_and_leaves_an_account_that_can_be_read(platform, path):
    account = opened(platform, identity={"entity_type": "individual"})["id"]
    firm = opened(platform, identity={"entity_type": "company"})["id"]
    person = platform.made(f"{ACCOUNTS}/{firm}/persons", given_name="Ada")["id"]
    asked = path.replace("{account_id}", firm).replace("persons/{id}", f"persons/{person}").replace("{id}", account)
    tried = list(bodies(WRITTEN[path]))

    statuses = {platform.post(asked, **body).status for body in tried}

    assert statuses <= {200, 400, 404, 501} and len(tried) > 1
    for one in (account, firm):
        closed = platform.read(f"{ACCOUNTS}/{one}", include=INCLUDED)["closed"]
        assert closed or platform.read(f"/v1/accounts/{one}")["id"] == one
        assert platform.read(f"{ACCOUNTS}/{one}/persons")
