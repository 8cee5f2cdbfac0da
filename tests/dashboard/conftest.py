"""Fixtures of the pages' tests."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.client import Client
from tests.dashboard.visitors import Visitor


@pytest.fixture
def visitor(app: Flask, platform: Client) -> Visitor:
    """Somebody who looks into the world of `platform`."""
    platform.read("/v1/balance")
    return Visitor(app, platform.key)
