"""Files: uploading, finding, reading them back, and their end."""

import io

import pytest

from emulator.developer.files import LOGO_PURPOSE, PURPOSES
from tests.client import Client

PNG = b"\x89PNG\r\n\x1a\n and more"
DAY = 24 * 60 * 60


def upload(client, content=PNG, name="receipt.png", **params):
    """A multipart upload; by default some evidence."""
    return client.post("/v1/files", file=(io.BytesIO(content), name), **{"purpose": "dispute_evidence", **params})


def test_an_upload_answers_with_the_file_and_tells_of_it(platform):
    file = upload(platform).json

    assert file == {
        "id": file["id"],
        "object": "file",
        "created": file["created"],
        "expires_at": file["created"] + 270 * DAY,
        "filename": "receipt.png",
        "links": {"object": "list", "data": [], "has_more": False, "url": f"/v1/file_links?file={file['id']}"},
        "purpose": "dispute_evidence",
        "size": len(PNG),
        "title": None,
        "type": "png",
        "url": f"http://localhost/v1/files/{file['id']}/contents",
    }
    assert file["id"].startswith("file_1") and len(file["id"]) == len("file_") + 24
    assert [(event["type"], event["data"]["object"]) for event in platform.events()] == [("file.created", file)]
    assert platform.read(f"/v1/files/{file['id']}") == file


def test_the_contents_come_back_byte_for_byte(platform):
    content = bytes(range(256)) * 40
    file = upload(platform, content, "bytes.bin").json

    answer = platform.get(f"/v1/files/{file['id']}/contents")

    assert answer.body == content
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Request-Id"].startswith("req_")


@pytest.mark.parametrize(
    "content, name, kind, media_type",
    [
        (b"%PDF-1.7", "scan", "pdf", "application/pdf"),
        (b"\xff\xd8\xff\xe0", "photo.png", "jpg", "image/jpeg"),
        (b"GIF89a", "logo", "gif", "image/gif"),
        (b"a,b\n", "Rows.CSV", "csv", "text/csv"),
        (b"\0", "photo.jpeg", "jpg", "image/jpeg"),
        (b"anything", "blob", None, "application/octet-stream"),
    ],
)
def test_the_type_is_told_by_content_then_by_name(platform, content, name, kind, media_type):
    file = upload(platform, content, name).json

    assert file["type"] == kind
    served = platform.get(f"/v1/files/{file['id']}/contents").headers["Content-Type"]
    assert served.partition(";")[0] == media_type


@pytest.mark.parametrize("sent", ["scan.pdf", "/home/me/scan.pdf", "evidence/scan.pdf"])
def test_of_a_path_only_the_name_is_kept(platform, sent):
    assert upload(platform, name=sent).json["filename"] == "scan.pdf"


def test_a_file_where_a_text_is_expected_is_quoted_by_its_name(platform):
    refusal = platform.post("/v1/topups", amount=1, currency="usd", description=(io.BytesIO(PNG), "a.png"))

    assert (refusal.status, refusal.error["message"]) == (400, 'Invalid string: "a.png"')


@pytest.mark.parametrize("purpose", [*PURPOSES, LOGO_PURPOSE])
def test_every_purpose_is_taken(platform, purpose):
    file = upload(platform, purpose=purpose).json

    kept = PURPOSES[purpose].kept_seconds if purpose in PURPOSES else None
    assert file["purpose"] == purpose
    assert file["expires_at"] == (None if kept is None else file["created"] + kept)


def test_a_browser_may_upload_with_a_publishable_key(app, key):
    browser = Client(app, key.replace("sk_test_", "pk_test_"))

    assert upload(browser).status == 200
    assert browser.get("/v1/files").error["code"] == "secret_key_required"


@pytest.mark.parametrize(
    "content, params, param, says",
    [
        (b"", {}, "file", "The file you uploaded is empty."),
        (b"x" * (5 * 1024 * 1024 + 1), {}, "file", "The file you uploaded is too large"),
        (b"x" * (512 * 1024 + 1), {"purpose": "business_logo"}, "file", "The file you uploaded is too large"),
        (PNG, {"purpose": "selfie"}, "purpose", "Invalid purpose: must be one of account_requirement, "),
        (PNG, {"purpose": None}, "purpose", "You passed an empty string for 'purpose'."),
        (PNG, {"title": "x"}, "title", "Received unknown parameter: title"),
        (PNG, {"file_link_data": {"expires_at": 1}}, "file_link_data[create]", "Missing required param"),
    ],
)
def test_bad_uploads_are_refused(platform, content, params, param, says):
    refusal = upload(platform, content, **params)

    assert (refusal.status, refusal.error["param"]) == (400, param)
    assert refusal.error["message"].startswith(says)
    assert platform.read("/v1/files")["data"] == []


@pytest.mark.parametrize(
    "purpose, most",
    [
        ("dispute_evidence", 5 * 1024 * 1024),
        ("business_logo", 512 * 1024),
    ],
)
def test_a_file_may_be_as_large_as_its_purpose_allows(platform, purpose, most):
    sizes = [upload(platform, b"x" * size, purpose=purpose).json.get("size") for size in (most, most + 1)]

    assert sizes == [most, None]


def test_a_file_must_come_as_a_part_of_a_form(platform):
    absent = platform.post("/v1/files", purpose="dispute_evidence")
    text = platform.post("/v1/files", purpose="dispute_evidence", file="@receipt.png")

    assert absent.error["message"] == "Missing required param: file."
    assert (text.status, text.error["param"]) == (400, "file")


def test_an_upload_repeated_under_its_key_is_the_same_file(platform):
    first, second = (upload(platform, headers={"Idempotency-Key": "one"}) for _ in range(2))
    other = upload(platform, b"other", headers={"Idempotency-Key": "one"})

    assert first.body == second.body
    assert other.error["type"] == "idempotency_error"


def test_files_are_listed_by_purpose_and_time_newest_first(platform):
    ids = [upload(platform, purpose=purpose).json["id"] for purpose in ("pci_document", LOGO_PURPOSE, "pci_document")]

    assert [file["id"] for file in platform.read("/v1/files")["data"]] == ids[::-1]
    assert [file["id"] for file in platform.read("/v1/files", purpose="pci_document")["data"]] == [ids[2], ids[0]]
    assert [file["id"] for file in platform.read("/v1/files", purpose=LOGO_PURPOSE)["data"]] == [ids[1]]
    assert platform.read("/v1/files", created={"lt": 1})["data"] == []
    assert [file["id"] for file in platform.read("/v1/files", limit=1, starting_after=ids[1])["data"]] == [ids[0]]


@pytest.mark.parametrize("path", ["/v1/files/file_nope", "/v1/files/file_nope/contents"])
def test_an_unknown_file_is_missing(platform, path):
    refusal = platform.get(path)

    assert refusal.status == 404
    assert refusal.error["code"] == "resource_missing"
    assert refusal.error["message"] == "No such file: 'file_nope'"
    assert refusal.error["param"] == "file"


@pytest.mark.parametrize("seconds, status", [(270 * DAY - 1, 200), (270 * DAY, 404)])
def test_evidence_is_gone_after_nine_months_and_an_identity_document_is_not(platform, seconds, status):
    platform.clock(frozen=True)
    evidence = upload(platform).json
    document = upload(platform, purpose="identity_document").json
    platform.clock(advance=seconds)

    assert platform.get(f"/v1/files/{evidence['id']}").status == status
    assert platform.get(f"/v1/files/{evidence['id']}/contents").status == status
    there = [document["id"], *([evidence["id"]] if status == 200 else [])]
    assert [file["id"] for file in platform.read("/v1/files")["data"]] == there


@pytest.mark.parametrize("id", ["file_identity_document_success", "file_identity_document_failure"])
def test_the_documents_for_tests_are_there_for_everyone(platform, id):
    file = platform.read(f"/v1/files/{id}")
    content = platform.get(f"/v1/files/{id}/contents")

    assert (file["id"], file["purpose"], file["size"]) == (id, "identity_document", len(content.body))
    assert content.body.startswith(b"\x89PNG")
    assert platform.read("/v1/files")["data"] == []
