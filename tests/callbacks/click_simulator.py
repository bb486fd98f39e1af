"""Click as it calls a merchant: signed forms over POST, answered in JSON."""

import hashlib
from typing import Any

import httpx2

SERVICE_ID = "12345"
SECRET = "a secret of tests"
ADDRESS = "/callbacks/click"
SIGN_TIME = "2026-03-10 14:00:00"


class ClickSimulator:
    """Calls the address through `http` with the shop's secret; `changed` fields are changed before signing."""

    def __init__(self, http: httpx2.AsyncClient, secret: str = SECRET) -> None:
        self.http, self.secret = http, secret

    async def prepare(self, id_: int, to: str, amount: str, **changed: str) -> dict[str, Any]:
        return await self.send(self.form(id_, to, amount, "0", **changed))

    async def complete(self, id_: int, to: str, amount: str, prepared: int | str, **changed: str) -> dict[str, Any]:
        return await self.send(self.form(id_, to, amount, "1", merchant_prepare_id=str(prepared), **changed))

    async def pay(self, id_: int, to: str, amount: str) -> dict[str, Any]:
        """Prepare and Complete, each of which must succeed; the answer of the second."""
        prepared = await self.prepare(id_, to, amount)
        assert prepared["error"] == 0, prepared
        completed = await self.complete(id_, to, amount, prepared["merchant_prepare_id"])
        assert completed["error"] == 0, completed
        return completed

    def form(self, id_: int, to: str, amount: str, step: str, **changed: str) -> dict[str, str]:
        form = {
            "click_trans_id": str(id_),
            "service_id": SERVICE_ID,
            "click_paydoc_id": str(id_ + 1),
            "merchant_trans_id": to,
            "amount": amount,
            "action": step,
            "error": "0",
            "error_note": "Success",
            "sign_time": SIGN_TIME,
        } | changed
        return form | {"sign_string": self.sign(form)}

    def sign(self, form: dict[str, str]) -> str:
        prepared = form["merchant_prepare_id"] if form["action"] == "1" else ""
        parts = (form["click_trans_id"], form["service_id"], self.secret, form["merchant_trans_id"], prepared)
        return hashlib.md5(
            "".join((*parts, form["amount"], form["action"], form["sign_time"])).encode(), usedforsecurity=False
        ).hexdigest()

    async def send(self, form: dict[str, str]) -> dict[str, Any]:
        response = await self.http.post(ADDRESS, data=form)
        answer: dict[str, Any] = response.json()
        assert response.status_code == 200, answer
        return answer
