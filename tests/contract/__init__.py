"""The published contract, taken from the official `stripe` package: what replies must look like, what requests may say.

    complaints(reply)               everything in which a reply differs from the package's annotations
    published_params(verb, path)    the parameters an operation accepts
    published_reply(verb, path)     the objects an operation answers
    Recorder()                      both, for every reply of a test session

Differences we allow are rows in `exceptions.py`, each with its reason.
"""

from .exceptions import ALLOWED, EXTRA_PARAMS
from .operations import Param, Reply, flat, published_params, published_reply
from .recorder import Complaint, Recorder
from .replies import complaints

__all__ = [
    "ALLOWED",
    "EXTRA_PARAMS",
    "Complaint",
    "Param",
    "Recorder",
    "Reply",
    "complaints",
    "flat",
    "published_params",
    "published_reply",
]
