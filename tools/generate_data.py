"""Write the tables under emulator/data/ from the packages that publish them.

Run `python tools/generate_data.py` after changing the version of `stripe` (or `iso18245`, `python-stdnum`) in the
test dependencies. The tables are committed, so the emulator itself needs none of these at run time; a test
compares them with what this file would write today.
"""

import ast
import csv
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

import stripe
from stdnum import isin

STRIPE = Path(stripe.__file__).parent
TARGET = Path(__file__).resolve().parent.parent / "emulator" / "data"
VERBS = ("GET", "POST", "DELETE")

# Seven of Stripe's names are missing from iso18245's list. Their codes are the card networks' own.
CODES_BESIDES = {
    "electric_vehicle_charging": "5552",
    "emergency_services_gcas_visa_use_only": "9702",
    "government_licensed_horse_dog_racing_us_region_only": "7802",
    "government_licensed_online_casions_online_gambling_us_region_only": "7801",
    "government_owned_lotteries_non_us_region": "9406",
    "government_owned_lotteries_us_region_only": "7800",
    "marketplaces": "5262",
}

# What Stripe prints when it refuses a currency, in its order: usd, the alphabet, then a tail of retired and rare ones.
CURRENCIES = """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp
    cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils inr
    isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr
    mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd
    std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw
    usdc btn ghs eek lvl svc vef ltl sll mro
"""
ZERO_DECIMAL = "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf"
THREE_DECIMAL = "bhd jod kwd omr tnd"

# Codes in python-stdnum's table of securities that are no ISO 3166-1 country today.
NOT_COUNTRIES = {"AN", "CS", "EU", "QS", "QT", "XA", "XB", "XC", "XD", "XF", "XK", "XS"}


def routes() -> list[tuple[str, str]]:
    """Every (verb, path template) of v1 and v2 that the package sends, sorted by path.

    The services name a template first; the resource classes add what no service has (the refunds of a charge).
    """
    found: dict[tuple[str, str], str] = {}
    for path in sorted(sorted(STRIPE.rglob("_*.py")), key=lambda path: not path.name.endswith("_service.py")):
        for verb, template in requests_in(path.read_text(encoding="utf-8")):
            found.setdefault((verb, unnamed(template)), template)
    return sorted(((verb, template) for (verb, _), template in found.items()), key=lambda r: (r[1], VERBS.index(r[0])))


def requests_in(source: str) -> Iterator[tuple[str, str]]:
    """The literal (verb, template) pairs of every `…_request("get", "/v1/…".format(…))` call in a module."""
    for call in ast.walk(ast.parse(source)):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and len(call.args) > 1):
            continue
        verb, template = call.args[:2]
        if isinstance(template, ast.Call) and isinstance(template.func, ast.Attribute):
            template = template.func.value
        if not (isinstance(verb, ast.Constant) and isinstance(template, ast.Constant)):
            continue
        if "_request" in call.func.attr and str(template.value).startswith(("/v1/", "/v2/")):
            yield verb.value.upper(), template.value


def unnamed(template: str) -> str:
    """The template with its variables' names taken out, so that two spellings of one path compare equal."""
    return "/".join("{}" if part.startswith("{") else part for part in template.split("/"))


def fields_of(path: str, *classes: str) -> dict[str, ast.expr]:
    """The annotated fields of a (nested) class in the package, by name, in the order of the source."""
    body: list[ast.stmt] = ast.parse((STRIPE / path).read_text(encoding="utf-8")).body
    for name in classes:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == name)
    return {node.target.id: node.annotation for node in body if isinstance(node, ast.AnnAssign)}


def choices(annotation: ast.expr) -> list[str]:
    """All strings inside every `Literal[…]` of an annotation, quoted annotations included, in order."""
    found: list[str] = []
    for node in ast.walk(annotation):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "Literal[" in node.value:
            found += choices(ast.parse(node.value, mode="eval").body)
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
            found += [leaf.value for leaf in ast.walk(node.slice) if isinstance(leaf, ast.Constant)]
    return found


def merchant_categories() -> dict[str, str]:
    """Stripe's category name → four-digit merchant category code, in the package's order."""
    path, owner = "test_helpers/issuing/_authorization_create_params.py", "AuthorizationCreateParamsMerchantData"
    with (files("iso18245") / "data" / "stripe_list.csv").open("r") as rows:
        codes = {name: code for code, _, name in list(csv.reader(rows))[1:]}
    codes |= CODES_BESIDES
    return {name: codes[name] for name in choices(fields_of(f"params/{path}", owner)["category"])}


def countries() -> list[str]:
    """ISO 3166-1 alpha-2 codes, and the three besides that Stripe's own address lists know (AC, TA, XK)."""
    path, owner = "_payment_link.py", ("PaymentLink", "ShippingAddressCollection")
    shipped = set(choices(fields_of(path, *owner)["allowed_countries"])) - {"ZZ"}
    return sorted(set(isin._country_codes) - NOT_COUNTRIES | shipped)


def event_types() -> list[str]:
    return choices(fields_of("_event.py", "Event")["type"])


def api_versions() -> list[str]:
    """Oldest first, as the choices for a webhook endpoint name them."""
    path, owner = "params/_webhook_endpoint_create_params.py", "WebhookEndpointCreateParams"
    return choices(fields_of(path, owner)["api_version"])


def capabilities() -> list[str]:
    """Every capability an account may have: the account's own list, then those that can only be requested."""
    shown = fields_of("_account.py", "Account", "Capabilities")
    asked = fields_of("params/_account_create_params.py", "AccountCreateParamsCapabilities")
    return [name for name in [*shown, *(name for name in asked if name not in shown)] if not name.startswith("_")]


def of_accounts_v2() -> list[str]:
    """What only v2 knows of accounts: capabilities of merchants, kinds of numbers, structures, languages."""
    path, owner = "params/v2/core/_account_create_params.py", "AccountCreateParams"
    business, person = f"{owner}IdentityBusinessDetails", f"{owner}IdentityIndividual"
    words = {
        "BUSINESS_ID_NUMBERS": choices(fields_of(path, f"{business}IdNumber")["type"]),
        "LOCALES": choices(fields_of(path, f"{owner}Defaults")["locales"]),
        "MERCHANT_CAPABILITIES": list(fields_of(path, f"{owner}ConfigurationMerchantCapabilities")),
        "PERSON_ID_NUMBERS": choices(fields_of(path, f"{person}IdNumber")["type"]),
        "STRUCTURES": choices(fields_of(path, business)["structure"]),
    }
    return [rows(f"{name}: tuple[str, ...]", quoted(values)) for name, values in words.items()]


def tables() -> dict[str, str]:
    """File name → content, for every table."""
    version = stripe.VERSION
    return {
        "routes.py": module(
            f"Every published operation of the API as (verb, path template), sorted by path.\n\n"
            f"Source: the official package stripe {version}.",
            rows("ROUTES: tuple[tuple[str, str], ...]", (f'("{verb}", "{path}")' for verb, path in routes())),
        ),
        "merchant_categories.py": module(
            "The merchant categories Stripe knows, each with its four-digit code, in Stripe's order.\n\n"
            "The names also serve `allowed_categories` and `blocked_categories`, where `miscellaneous` is one more.\n"
            "Source: https://docs.stripe.com/issuing/merchant-categories; codes from the card networks' public lists.",
            rows(
                "CODES: dict[str, str]",
                (f'"{name}": "{code}"' for name, code in merchant_categories().items()),
                brackets="{}",
            ),
        ),
        "currencies.py": module(
            "The currencies Stripe supports, in the order in which it prints them, and how many decimals they have.\n\n"
            "A currency in neither set has two decimals. `ugx` counts as zero-decimal, as in Stripe's list.\n"
            "Source: https://docs.stripe.com/currencies and the API's own refusal of an unknown currency.",
            rows("CURRENCIES: tuple[str, ...]", quoted(CURRENCIES.split())),
            rows("ZERO_DECIMAL: frozenset[str]", quoted(ZERO_DECIMAL.split()), call="frozenset", brackets="{}"),
            rows("THREE_DECIMAL: frozenset[str]", quoted(THREE_DECIMAL.split()), call="frozenset", brackets="{}"),
        ),
        "countries.py": module(
            "Two-letter country codes: ISO 3166-1 alpha-2, and AC, TA and XK, which Stripe's address lists know.",
            rows("COUNTRIES: frozenset[str]", quoted(countries()), call="frozenset", brackets="{}"),
        ),
        "event_types.py": module(
            f"Every event type of the v1 API, in Stripe's order.\n\nSource: the official package stripe {version}.",
            rows("EVENT_TYPES: tuple[str, ...]", quoted(event_types())),
        ),
        "api_versions.py": module(
            f"The API versions Stripe knows, oldest first, and the one this emulator renders.\n\n"
            f"Source: the official package stripe {version}.",
            f'DEFAULT = "{stripe.api_version}"\n',
            rows("API_VERSIONS: tuple[str, ...]", quoted(api_versions())),
        ),
        "capabilities.py": module(
            f"Every capability of accounts, in Stripe's order.\n\nSource: the official package stripe {version}.",
            rows("CAPABILITIES: tuple[str, ...]", quoted(capabilities())),
        ),
        "accounts_v2.py": module(
            f"The words that accounts have in v2 alone, in Stripe's order.\n\n"
            f"Source: the official package stripe {version}.",
            *of_accounts_v2(),
        ),
    }


def quoted(values: Iterable[str]) -> list[str]:
    return [f'"{value}"' for value in values]


def module(story: str, *parts: str) -> str:
    """A generated module: its docstring, then its assignments, laid out as `ruff format` would."""
    return f'"""{story}\n\nWritten by tools/generate_data.py; change it there.\n"""\n\n' + "\n".join(parts)


def rows(name: str, values: Iterable[str], call: str = "", brackets: str = "()") -> str:
    """One assignment with one value a line."""
    before, after = (f"{call}(\n    {brackets[0]}", f"{brackets[1]}\n)") if call else (brackets[0], brackets[1])
    indent = "        " if call else "    "
    lines = "".join(f"{indent}{value},\n" for value in values)
    return f"{name} = {before}\n{lines}{'    ' if call else ''}{after}\n"


def main() -> None:
    """Write every table in place."""
    for name, content in tables().items():
        (TARGET / name).write_text(content, encoding="utf-8")
        print(f"{name}: {content.count(chr(10))} lines")


if __name__ == "__main__":
    main()
