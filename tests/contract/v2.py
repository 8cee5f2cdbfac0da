"""The contract of v2: pages and errors have other shapes there, what is deleted is told by its id alone.

Source: https://docs.stripe.com/api-v2-overview
"""

from .operations import operations, published_reply, unnamed
from .replies import any_object, shown, text

PAGE = {"data", "next_page_url", "previous_page_url"}


def complaints(verb: str, path: str, status: int, reply: object) -> list[str]:
    """Everything in which a reply of v2 differs from what is published of it."""
    if not isinstance(reply, dict):
        return [f"reply: {shown(reply)} where an object was expected"]
    if ("error" in reply) != (status >= 400):
        return [f"status {status} with {'an error' if 'error' in reply else 'no error'}"]
    if "error" in reply:
        return error_complaints(reply)
    if (verb, unnamed(path)) not in operations():
        return [f"{verb} {path} is no operation of the package"]
    many, objects = published_reply(verb, path)
    if verb == "DELETE":
        return (
            [] if set(reply) == {"id", "object"} else [f"deleted: {', '.join(reply)} where id and object are published"]
        )
    found = page_complaints(reply, path) if many else []
    for item in reply.get("data", []) if many else [reply]:
        if item.get("object") not in objects:
            found.append(f"{item.get('object')}: where {', '.join(sorted(objects))} is published")
        found += [f"{item.get('object')}{said}" for said in any_object()(item) or ()]
    return found


def page_complaints(reply: dict, path: str) -> list[str]:
    """Complaints about a page of a list, what is on it aside."""
    if set(reply) != PAGE or not isinstance(reply["data"], list):
        return [f"page: {', '.join(reply)} where {', '.join(sorted(PAGE))} are published"]
    urls = [reply[name] for name in ("next_page_url", "previous_page_url") if reply[name] is not None]
    return [f"page: {url} leads nowhere in v2" for url in urls if not text(url) or not url.startswith("/v2/")]


def error_complaints(reply: dict) -> list[str]:
    """Complaints about an error: a code and a message, and a type where a key was used for something else."""
    error = reply["error"]
    expected = {"code", "message"} | ({"type"} if error.get("type") == "idempotency_error" else set())
    found = [f"error: {', '.join(error)} where {', '.join(sorted(expected))} are published"]
    return [] if set(error) == expected and all(map(text, error.values())) and set(reply) == {"error"} else found
