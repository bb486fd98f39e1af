"""The server as operators and browsers see it: health, metrics, headers, the demo page, how it starts and ends."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

from domain.database import execute
from server.database import connect, disconnect
from tests.support.api import Client
from tests.support.ports import free_port
from tests.support.server import RunningServer, running_server

NILUFAR = "+998901234567"
PRODUCTION = {
    "KABINET_ENV": "production",
    "KABINET_SECRET_KEY": "a-secret-of-this-test-and-of-nothing-else",
    "KABINET_SMS_URL": "eskiz://shop:secret@127.0.0.1:1?scheme=http",
}


async def test_it_is_ready_with_the_database_and_every_migration(client: Client) -> None:
    live = await client.http.get("/health/live")
    ready = await client.http.get("/health/ready")

    assert (live.status_code, ready.status_code) == (200, 200)
    assert ready.json()["ready"] is True


async def test_it_is_alive_but_not_ready_while_a_migration_is_missing(demo_url: str) -> None:
    async with running_server(demo_url) as server, Client(server.base_url, server.sms_file) as client:
        await connect(demo_url)
        await execute("DELETE FROM migration WHERE name LIKE '0011%'")
        await disconnect()

        live = await client.http.get("/health/live")
        ready = await client.http.get("/health/ready")

    assert live.status_code == 200
    assert ready.status_code == 503
    assert [name[:4] for name in ready.json()["migrations"]] == ["0011"]


async def test_no_page_can_be_guessed_at_framed_or_run_inline(client: Client) -> None:
    for path in ("/graphql", "/admin/sign-in", "/health/live", "/metrics", "/demo", "/nothing-here"):
        answer = await client.http.get(path, headers={"Accept": "text/html,application/json"})

        policy = answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["x-request-id"], path
        assert "frame-ancestors 'none'" in policy, path
        assert "unsafe-inline" not in policy.partition("style-src")[0], path


async def test_metrics_count_operations_and_hold_nobodys_data(client: Client) -> None:
    await client.sign_in(NILUFAR)
    await client.post("{ this is no field }")

    text = (await client.http.get("/metrics")).text

    assert 'kabinet_graphql_operations_total{engine="stock",kind="mutation",outcome="ok"}' in text
    assert 'kabinet_graphql_operations_total{engine="compiled",kind="unknown",outcome="refused"}' in text
    assert "kabinet_database_up 1.0" in text
    assert NILUFAR not in text


async def test_the_log_tells_of_requests_and_not_of_people(server: RunningServer, client: Client) -> None:
    await client.sign_in(NILUFAR)
    assert client.token is not None
    code = client.messages(NILUFAR)[-1]

    log = server.log_file.read_text().partition("Sign in with one of these numbers")[2].partition("\n\n")[2]

    assert "request" in log
    for private in (NILUFAR[1:], "Rahimova", client.token, code):
        assert private not in log


async def test_the_demo_page_shows_the_code_that_was_sent(client: Client) -> None:
    before = (await client.http.get("/demo/codes")).text
    await client.mutate("requestOtp", "... on OtpChallenge { id }", phone=NILUFAR, purpose="SIGN_IN")
    code = await client.next_code(NILUFAR, 0)

    page = (await client.http.get("/demo")).text

    assert code not in before
    assert code in page
    assert "+998 90 123 45 67" in page.replace("\N{NO-BREAK SPACE}", " ")


async def test_production_has_no_demo_and_no_page_to_play_with(demo_url: str) -> None:
    async with (
        running_server(demo_url, workers=1, **PRODUCTION) as server,
        Client(server.base_url, server.sms_file) as client,
    ):
        statuses = [(await client.http.get(path)).status_code for path in ("/", "/demo", "/demo/codes")]
        console = await client.http.get("/graphql", headers={"Accept": "text/html"})
        live = await client.http.get("/health/live")

    assert statuses == [404, 404, 404]
    assert console.status_code >= 400
    assert "max-age" in live.headers["strict-transport-security"]


async def test_a_key_that_opens_nothing_is_refused_and_not_taken_for_nobody(client: Client) -> None:
    for headers in ({"Authorization": "Bearer kbk_nothing"}, {"X-API-Key": "kbk_nothing"}):
        answer = await client.http.post("/graphql", json={"query": "{ products { nodes { code } } }"}, headers=headers)

        assert answer.status_code == 401
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert "data" not in answer.json()


async def serving(database_url: str, folder: Path, port: int, *words: str) -> asyncio.subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KABINET_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "server.cli", "serve", "--port", str(port), *words),
        env={**clean, "KABINET_DATABASE_URL": database_url},
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


async def test_a_taken_port_is_one_clear_line(database_url: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = await serving(database_url, tmp_path, port)
        _, said = await process.communicate()

    assert process.returncode == 2
    assert said.decode() == f"kabinet: cannot listen on 127.0.0.1, port {port}: Address already in use\n"


async def test_it_can_be_stopped_while_its_workers_start(sqlite_template: Path, tmp_path: Path) -> None:
    async def stopped(after_seconds: float) -> None:
        process = await serving(f"sqlite:///{sqlite_template}", tmp_path, free_port(), "--workers", "2")
        try:
            await asyncio.sleep(after_seconds)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(60):
                await process.communicate()
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)

    await asyncio.gather(stopped(0.3), stopped(1.5))
