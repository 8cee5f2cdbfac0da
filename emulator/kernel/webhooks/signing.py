"""The Stripe-Signature header, as the official SDKs verify it.

Source: https://docs.stripe.com/webhooks#verify-manually
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Hex HMAC-SHA256 of `<timestamp>.<body>`; the key is the whole secret text, `whsec_` included."""
    return hmac.new(secret.encode(), str(timestamp).encode() + b"." + body, hashlib.sha256).hexdigest()


def header(secrets: Iterable[str], timestamp: int, body: bytes) -> str:
    """`t=…,v1=…` with one `v1` per active secret, and the `v0` decoy of test deliveries that verifiers ignore."""
    signed = [f"v1={signature(secret, timestamp, body)}" for secret in secrets]
    decoy = hashlib.sha256(b"v0" + body).hexdigest()
    return ",".join([f"t={timestamp}", *signed, f"v0={decoy}"])
