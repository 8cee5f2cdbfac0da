"""The signature, as verifiers compute it."""

from __future__ import annotations

import hashlib
import hmac

from emulator.kernel.webhooks import signing


def test_the_signature_is_what_the_documentation_computes_by_hand():
    body, secret = b'{"id":"evt_1"}', "whsec_test"
    by_hand = hmac.new(secret.encode(), b"1700000000." + body, hashlib.sha256).hexdigest()

    assert signing.header([secret], 1_700_000_000, body).startswith(f"t=1700000000,v1={by_hand},v0=")


def test_during_a_roll_there_is_one_signature_per_secret():
    assert signing.header(["whsec_a", "whsec_b"], 1, b"{}").count("v1=") == 2
