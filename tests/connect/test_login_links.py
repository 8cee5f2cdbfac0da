"""Login links: for onboarded accounts with the Express dashboard, each for one visit."""

from __future__ import annotations

from tests.connect.shapes import account_of


def express(platform, **more):
    """An account with the Express dashboard that is onboarded."""
    return platform.made("/v1/accounts", type="express", external_account="btok_us_verified", **more)["id"]


def test_a_login_link_leads_to_a_page_of_ours_once(app, platform):
    account = express(platform, business_profile={"name": "<b>Goods</b>"})

    link = platform.made(f"/v1/accounts/{account}/login_links")
    first, second = (app.test_client().get(link["url"]) for _ in range(2))

    assert link.keys() == {"object", "created", "url"} and link["object"] == "login_link"
    assert first.status_code == 200 and account in first.text
    assert "<b>" not in first.text and "&lt;b&gt;Goods" in first.text
    assert (second.status_code, second.json["error"]["message"]) == (
        410,
        "This login link has been visited already, and works once.",
    )


def test_only_onboarded_express_accounts_have_one(platform):
    custom = account_of(platform)["id"]
    fresh = platform.made("/v1/accounts", type="express")["id"]

    wrong = platform.post(f"/v1/accounts/{custom}/login_links")
    early = platform.post(f"/v1/accounts/{fresh}/login_links")
    unknown = platform.post("/v1/accounts/acct_1/login_links")

    assert wrong.error["message"] == (
        f"Cannot create an edit link for the account {custom}, which is not an Express account."
    )
    assert early.error["message"] == "Cannot create a login link for an account that has not completed onboarding."
    assert (wrong.status, early.status, unknown.status) == (400, 400, 403)


def test_an_address_that_is_no_link_is_404(app, platform):
    account = express(platform)
    url = platform.made(f"/v1/accounts/{account}/login_links")["url"]

    assert app.test_client().get("/express/x").status_code == 404
    platform.delete(f"/v1/accounts/{account}")
    assert app.test_client().get(url).status_code == 404
