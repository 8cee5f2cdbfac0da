"""File links: made, found, changed, opened by anybody, and their end."""

import pytest

from emulator.developer.file_link import SHAREABLE
from emulator.developer.files import LINKS_SHOWN, LOGO_PURPOSE, PURPOSES
from tests.client import Client
from tests.issuing.holders import a_connected_account

LINKS = "/v1/file_links"
PNG = b"\x89PNG\r\n\x1a\n and more"
DAY = 24 * 60 * 60


def a_file(client, purpose="dispute_evidence", content=PNG, name="receipt.png", **more):
    """An uploaded file."""
    return client.made("/v1/files", purpose=purpose, file=(content, name), **more)


def a_link(client, **more):
    """A link to a file of its own, unless one is named."""
    return client.made(LINKS, file=more.pop("file", None) or a_file(client)["id"], **more)


def opened(client, link):
    """What somebody without a key finds at a link's address."""
    return client.app.test_client().get(link["url"].removeprefix("http://localhost"))


def test_a_link_answers_with_its_address_and_the_file_shows_it(platform):
    file = a_file(platform)

    link = platform.made(LINKS, file=file["id"], metadata={"case": "7"})

    assert link == {
        "id": link["id"],
        "object": "file_link",
        "created": link["created"],
        "expired": False,
        "expires_at": None,
        "file": file["id"],
        "livemode": False,
        "metadata": {"case": "7"},
        "url": link["url"],
    }
    assert link["id"].startswith("link_1") and link["url"].startswith("http://localhost/links/")
    assert platform.read(f"{LINKS}/{link['id']}") == link
    assert platform.read(f"/v1/files/{file['id']}")["links"]["data"] == [link]
    assert platform.read(f"{LINKS}/{link['id']}", expand=["file"])["file"]["links"]["data"] == [link]
    assert platform.event_types() == ["file.created"]


def test_anybody_who_has_the_address_gets_the_file(platform):
    page = opened(platform, a_link(platform))

    assert (page.status_code, page.data, page.content_type) == (200, PNG, "image/png")


def test_what_was_uploaded_runs_no_script_at_our_address(platform):
    picture = a_file(platform, content=b"<svg onload='alert(1)'/>", name="picture.svg")

    page = opened(platform, a_link(platform, file=picture["id"]))

    assert page.content_type.startswith("image/svg+xml")
    assert page.headers["Content-Security-Policy"] == "script-src 'none'"
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("token", ["", "x", "AAAA", "MDAwMDAwMDAwMDAwMDAwMGxpbmtfMQ"])
def test_an_address_that_names_nothing_is_not_found(app, token):
    assert app.test_client().get(f"/links/{token}").status_code == 404


@pytest.mark.parametrize("purpose", [*PURPOSES, LOGO_PURPOSE])
def test_files_are_shared_if_their_purpose_allows_it(platform, purpose):
    file = a_file(platform, purpose)

    answer = platform.post(LINKS, file=file["id"])

    assert answer.status == (200 if purpose in SHAREABLE else 400)
    if purpose not in SHAREABLE:
        assert answer.error["param"] == "file"
        assert answer.error["message"].startswith(f"Files with the purpose {purpose} cannot be shared by a link.")


# Along with the file


def test_a_link_is_made_along_with_a_file(platform):
    data = {"create": True, "expires_at": 4_000_000_000, "metadata": {"a": "1"}}
    file = a_file(platform, file_link_data=data)

    (link,) = file["links"]["data"]

    assert (link["file"], link["expires_at"], link["metadata"]) == (file["id"], 4_000_000_000, {"a": "1"})
    assert opened(platform, link).data == PNG
    assert platform.events()[0]["data"]["object"] == file
    assert a_file(platform, file_link_data={"create": False})["links"]["data"] == []


@pytest.mark.parametrize(
    "purpose, data, param",
    [
        ("identity_document", {"create": True}, "purpose"),
        ("dispute_evidence", {"create": True, "expires_at": 1}, "file_link_data[expires_at]"),
    ],
)
def test_where_the_link_cannot_be_made_the_file_is_not_kept(platform, purpose, data, param):
    answer = platform.post("/v1/files", purpose=purpose, file=(PNG, "a.png"), file_link_data=data)

    assert (answer.status, answer.error["param"]) == (400, param)
    assert platform.read("/v1/files")["data"] == []


def test_of_many_links_a_file_shows_the_newest(platform):
    file = a_file(platform)
    made = [platform.made(LINKS, file=file["id"])["id"] for _ in range(LINKS_SHOWN + 1)]

    links = platform.read(f"/v1/files/{file['id']}")["links"]

    assert [link["id"] for link in links["data"]] == made[:0:-1]
    assert (links["has_more"], links["url"]) == (True, f"/v1/file_links?file={file['id']}")


# Its end


@pytest.mark.parametrize("seconds, works", [(59, True), (60, False)])
def test_a_link_ends_by_the_worlds_clock(platform, seconds, works):
    now = platform.clock(frozen=True)["now"]
    link = a_link(platform, expires_at=now + 60)
    platform.clock(advance=seconds)

    assert platform.read(f"{LINKS}/{link['id']}")["expired"] is not works
    assert opened(platform, link).status_code == (200 if works else 404)


def test_a_link_to_a_file_that_has_expired_leads_nowhere(platform):
    link = a_link(platform)
    platform.clock(advance=270 * DAY)

    assert opened(platform, link).status_code == 404
    assert platform.read(f"{LINKS}/{link['id']}", expand=["file"])["file"] == link["file"]


def test_an_end_can_be_set_taken_away_and_come_at_once(platform):
    now = platform.clock(frozen=True)["now"]
    link = a_link(platform)
    path = f"{LINKS}/{link['id']}"

    later, never = platform.made(path, expires_at=now + 60), platform.made(path, expires_at=None)
    kept = platform.made(path, metadata={"a": "1"})
    ended = platform.made(path, expires_at="now")
    again = platform.post(path, metadata={"a": "2"})

    assert [one["expires_at"] for one in (later, never, kept, ended)] == [now + 60, None, None, now]
    assert [one["expired"] for one in (later, never, kept, ended)] == [False, False, False, True]
    assert (again.status, again.error["message"]) == (
        400,
        "This file link has expired. Expired links can no longer be updated.",
    )
    assert platform.read(path)["metadata"] == {"a": "1"}
    assert opened(platform, link).status_code == 404


@pytest.mark.parametrize(
    "sent, code, param",
    [
        ({}, "parameter_missing", "file"),
        ({"file": "file_nope"}, "resource_missing", "file"),
        ({"file": "{file}", "expires_at": 1}, None, "expires_at"),
        ({"file": "{file}", "expires_at": "now"}, "parameter_invalid_integer", "expires_at"),
        ({"file": "{file}", "expires_at": None}, "parameter_invalid_empty", "expires_at"),
        ({"file": "{file}", "url": "x"}, "parameter_unknown", "url"),
        ({"file": "{file}", "metadata": {f"k{number}": "v" for number in range(51)}}, None, "metadata"),
    ],
)
def test_bad_links_are_refused(platform, sent, code, param):
    file = a_file(platform)["id"]

    answer = platform.post(LINKS, **{**sent, **({"file": file} if sent.get("file") == "{file}" else {})})

    assert (answer.status, answer.error.get("code"), answer.error["param"]) == (400, code, param)
    assert platform.read(LINKS)["data"] == []


@pytest.mark.parametrize("end", [1, "tomorrow"])
def test_bad_ends_are_refused_on_an_update(platform, end):
    link = a_link(platform)

    answer = platform.post(f"{LINKS}/{link['id']}", expires_at=end)

    assert (answer.status, answer.error["param"]) == (400, "expires_at")
    assert platform.read(f"{LINKS}/{link['id']}") == link


# Finding them


def test_links_are_listed_by_file_end_and_time(platform):
    now = platform.clock(frozen=True)["now"]
    file = a_file(platform)["id"]
    short = platform.made(LINKS, file=file, expires_at=now + 10)["id"]
    long, other = platform.made(LINKS, file=file, expires_at=now + 20)["id"], a_link(platform)["id"]
    platform.clock(advance=10)

    def found(**filters):
        return [link["id"] for link in platform.read(LINKS, **filters)["data"]]

    assert found() == [other, long, short]
    assert found(file=file) == [long, short]
    assert (found(expired=True), found(expired=False)) == ([short], [other, long])
    assert found(created={"gt": now}) == []


def test_links_are_their_accounts_own(app, platform, key):
    link = a_link(platform)
    business = a_connected_account(platform, "transfers")

    assert business.get(f"{LINKS}/{link['id']}").error["param"] == "link"
    assert business.post(LINKS, file=link["file"]).error["code"] == "resource_missing"
    assert Client(app, key.replace("sk_", "pk_")).get(LINKS).error["code"] == "secret_key_required"


def test_a_link_of_a_connected_account_can_be_opened_too(platform):
    business = a_connected_account(platform, "transfers")

    assert opened(platform, a_link(business)).data == PNG
