"""What a newcomer does in the first ten minutes, by HTTP alone, on a real server."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.support.api import Client, new_key

NILUFAR = "+998901234567"
JASUR = "+998931112233"
ORDER = """... on Order { id status total { amount }
  subscription { id status activatedOn endsOn daysLeft price { amount } } }"""
PLACE = """mutation($input: OrderSubscriptionInput!) { orderSubscription(input: $input) { __typename } }"""
LOOK = """{ viewer {
  accounts { nodes { number balance { amount } entries(first: 10) { nodes { kind amount { amount } } } } }
  subscriptions { nodes { id status daysLeft } } orders { nodes { id status } } } }"""


async def balance(client: Client) -> Decimal:
    viewer = (await client.run(LOOK))["viewer"]
    return Decimal(viewer["accounts"]["nodes"][0]["balance"]["amount"])


async def order_and_confirm(client: Client, phone: str, **order: Any) -> dict[str, Any]:
    seen = len(client.messages(phone))
    placed = await client.mutate("orderSubscription", ORDER, phone=phone, idempotencyKey=new_key(), **order)
    assert placed["__typename"] == "Order", placed
    code = await client.next_code(phone, seen)
    return await client.mutate("confirmOrder", ORDER, orderId=placed["id"], code=code)


@pytest.mark.rule("C-2")
@pytest.mark.rule("S-2")
@pytest.mark.rule("S-4.1")
@pytest.mark.rule("S-4.7")
@pytest.mark.rule("S-6")
async def test_from_the_first_code_to_month_seven_of_the_cinema(client: Client) -> None:
    await client.sign_in(NILUFAR)
    assert await balance(client) == 500_000

    key, seen = new_key(), len(client.messages(NILUFAR))
    order = {"product": "cinema", "months": 3, "phone": NILUFAR, "idempotencyKey": key}
    placed = await client.mutate("orderSubscription", ORDER, **order)
    again = await client.mutate("orderSubscription", ORDER, **order)
    assert (placed["status"], placed["total"]["amount"]) == ("ACKNOWLEDGED", "30000.00")
    assert again["id"] == placed["id"]
    assert await balance(client) == 500_000

    code = await client.next_code(NILUFAR, seen)
    confirmed = [await client.mutate("confirmOrder", ORDER, orderId=placed["id"], code=code) for _ in range(2)]
    assert [one["status"] for one in confirmed] == ["COMPLETED", "COMPLETED"]
    assert await balance(client) == 470_000
    subscription = confirmed[0]["subscription"]
    begins, ends = date.fromisoformat(subscription["activatedOn"]), date.fromisoformat(subscription["endsOn"])
    assert (ends.year - begins.year) * 12 + ends.month - begins.month == 3
    assert subscription["daysLeft"] == (ends - begins).days

    extension = {"subscriptionId": subscription["id"], "months": 3, "idempotencyKey": new_key()}
    extended = await client.mutate("extendSubscription", ORDER, **extension)
    assert (extended["total"]["amount"], extended["subscription"]["price"]["amount"]) == ("30000.00", "25000.00")
    seventh = {"subscriptionId": subscription["id"], "months": 1, "idempotencyKey": new_key()}
    charged = [await client.mutate("extendSubscription", ORDER, **seventh) for _ in range(3)]
    assert {one["id"] for one in charged} == {charged[0]["id"]}
    assert charged[0]["total"]["amount"] == "25000.00"
    assert await balance(client) == 500_000 - 30_000 - 30_000 - 25_000


@pytest.mark.rule("S-5.1")
@pytest.mark.rule("S-5.2")
@pytest.mark.rule("S-5.3")
@pytest.mark.rule("S-5.4")
async def test_a_visitor_of_the_web_site_orders_with_phone_and_account(client: Client) -> None:
    await client.sign_in(NILUFAR)
    account = (await client.run(LOOK))["viewer"]["accounts"]["nodes"][0]["number"]
    client.token = None

    bare = {"product": "cinema", "months": 1, "idempotencyKey": new_key()}
    missing = [
        await client.mutate("orderSubscription", ORDER, **bare, account=account),
        await client.mutate("orderSubscription", ORDER, **bare, phone=NILUFAR),
        await client.mutate("orderSubscription", ORDER, **bare, phone=JASUR, account=account),
    ]
    done = await order_and_confirm(client, NILUFAR, product="cinema", months=1, account=account)

    assert [(one["code"], one["path"]) for one in missing] == [
        ("MISSING_INPUT", ["input", "phone"]),
        ("MISSING_INPUT", ["input", "account"]),
        ("ACCOUNT_NOT_FOUND", ["input", "account"]),
    ]
    assert done["status"] == "COMPLETED"


@pytest.mark.rule("S-8")
@pytest.mark.rule("C-4")
async def test_wrong_and_foreign_codes_cost_nothing_and_end_after_five(client: Client) -> None:
    await client.sign_in(NILUFAR)
    seen = len(client.messages(NILUFAR))
    placed = await client.mutate(
        "orderSubscription", ORDER, product="cinema", months=1, phone=NILUFAR, idempotencyKey=new_key()
    )
    code = await client.next_code(NILUFAR, seen)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    answers = [await client.mutate("confirmOrder", ORDER, orderId=placed["id"], code=wrong) for _ in range(5)]
    late = await client.mutate("confirmOrder", ORDER, orderId=placed["id"], code=code)

    assert {answer["code"] for answer in answers} == {"WRONG_CODE"}
    assert late["code"] == "CODE_EXPIRED"
    assert await balance(client) == 500_000


async def test_a_refresh_token_used_twice_ends_the_session(client: Client) -> None:
    session = await client.sign_in(NILUFAR)
    selection = "... on Session { accessToken refreshToken }"

    fresh = await client.mutate("refreshSession", selection, refreshToken=session["refreshToken"])
    stolen = await client.mutate("refreshSession", selection, refreshToken=session["refreshToken"])
    client.token = fresh["accessToken"]
    response = await client.post("{ viewer { subscriber { name } } }")
    last = await Client.mutate(_without_token(client), "refreshSession", selection, refreshToken=fresh["refreshToken"])

    assert stolen["code"] == last["code"] == "SESSION_ENDED"
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def _without_token(client: Client) -> Client:
    client.token = None
    return client


async def test_an_app_that_still_sends_its_old_token_can_refresh_it(client: Client) -> None:
    session = await client.sign_in(NILUFAR)
    client.token = "an.old.token"

    fresh = await client.mutate(
        "refreshSession", "... on Session { accessToken }", refreshToken=session["refreshToken"]
    )
    looked = (await client.post("{ viewer { subscriber { name } } }")).json()
    ordered = (await client.post(PLACE, input={"product": "cinema", "months": 1, "idempotencyKey": new_key()})).json()
    shop = await client.run('{ product(code: "cinema") { code } }')

    assert fresh["__typename"] == "Session"
    assert shop["product"]["code"] == "cinema"
    for answer in (looked, ordered):
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("header", "status"), [("", 200), ("Bearer", 401), ("Basic eDp5", 401), ("Bearer kbk_x_y", 401)]
)
async def test_an_empty_header_is_nobody_and_a_bad_one_is_refused(client: Client, header: str, status: int) -> None:
    headers, query = {"Authorization": header}, {"query": "{ viewer { language } }"}
    response = await client.http.post("/graphql", json=query, headers=headers)

    body = response.json()
    assert response.status_code == status
    assert body.get("data") == {"viewer": None} or body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_signing_out_closes_the_door_at_once(client: Client) -> None:
    await client.sign_in(NILUFAR)
    await client.run("mutation { signOut { done } }")

    response = await client.post("{ viewer { subscriber { name } } }")

    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.rule("C-6")
@pytest.mark.parametrize("language", ["uz", "uz-Cyrl", "ru", "en"])
async def test_a_refusal_speaks_the_callers_language(client: Client, language: str) -> None:
    client.language = language

    refused = await client.mutate("requestOtp", "... on OtpChallenge { id }", phone="12", purpose="SIGN_IN")

    openings = {"uz": "Oʻzbekiston", "uz-Cyrl": "Ўзбекистон", "ru": "Узбекистан", "en": "Uzbekistan"}
    assert openings[language] in refused["message"]
    assert (refused["code"], refused["path"]) == ("INVALID_PHONE", ["input", "phone"])


@pytest.mark.parametrize("rule", ["W-4.5.1a", "S-5.3", "C-4"])
async def test_a_refusals_rule_leads_to_the_clause_that_was_agreed_to(client: Client, rule: str) -> None:
    query = "query($rule: String!) { clauseOfRule(rule: $rule) { offer edition number content } }"

    clause = (await client.run(query, rule=rule))["clauseOfRule"]
    unknown = [(await client.run(query, rule=text))["clauseOfRule"] for text in ("%", "%' OR 1=1 --", "W-99", "")]

    assert clause["content"]
    assert clause["offer"] in {"wallet", "operator"}
    assert unknown == [None] * 4


async def test_what_is_somebody_elses_is_not_found(client: Client) -> None:
    await client.sign_in(NILUFAR)
    hers = await client.run("{ viewer { wallet { id } accounts { nodes { id entries { nodes { id } } } } } }")
    wallet, account = hers["viewer"]["wallet"]["id"], hers["viewer"]["accounts"]["nodes"][0]
    await client.sign_in(JASUR)

    for id_ in (wallet, account["id"], account["entries"]["nodes"][0]["id"], "V2FsbGV0Ojk5OTk5", "nonsense", ""):
        body = (await client.post("query($id: ID!) { node(id: $id) { id } }", id=id_)).json()
        assert body["data"] == {"node": None}
        assert body["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.rule("S-3")
@pytest.mark.rule("S-4.2")
@pytest.mark.rule("S-4.3")
@pytest.mark.rule("S-4.4")
async def test_the_products_card_tells_what_it_is_and_what_it_costs_and_will_cost(client: Client) -> None:
    card = "code name description zeroRated oldPrice { amount } priceSteps { fromMonth toMonth price { amount } }"

    shop = (await client.run(f"{{ products {{ nodes {{ {card} }} }} }}"))["products"]["nodes"]
    cinema = (await client.run(f'{{ product(code: "cinema") {{ {card} }} }}'))["product"]

    assert cinema in shop
    assert cinema["zeroRated"] is True
    assert cinema["oldPrice"]["amount"] == "25000.00"
    assert [(step["fromMonth"], step["toMonth"], step["price"]["amount"]) for step in cinema["priceSteps"]] == [
        (1, 6, "10000.00"),
        (7, None, "25000.00"),
    ]
    assert cinema["description"]


@pytest.mark.rule("T-3")
async def test_a_satellite_call_is_priced_without_signing_in(client: Client) -> None:
    data = await client.run(
        """{ callPrice(to: "+881612345678", tariff: "welcome") {
             ... on CallPrice { zone { code } price { amount } edition matchedPrefix country } } }"""
    )

    assert data["callPrice"] == {
        "zone": {"code": "satellite-3"},
        "price": {"amount": "92620.00"},
        "edition": "2022-05-19",
        "matchedPrefix": "8816",
        "country": None,
    }
