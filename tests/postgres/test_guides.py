"""The guides' pages as printed, by curl, at three processes in turn."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bench.fleet import Fleet
from tests.guides.pages import Page
from tests.guides.test_issuing_pages import *  # noqa: F403
from tests.guides.test_treasury_pages import *  # noqa: F403
from tests.guides.test_working_with_issuing_cards import *  # noqa: F403
from tests.guides.test_working_with_issuing_cards import ACCOUNTS, followed, new_key


@pytest.fixture
def page(fleet: Fleet, key: str) -> Page:
    """A page whose commands go to one process after the other."""
    return Page(fleet.url, key)


@pytest.fixture(scope="module", params=ACCOUNTS)
def told(request: pytest.FixtureRequest, fleet: Fleet) -> SimpleNamespace:
    """The page followed for one kind of account."""
    return followed(Page(fleet.url, new_key(request.param)), request.param)
