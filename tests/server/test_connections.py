"""Connections that say nothing: they are let go, and meanwhile stop nobody else."""

import asyncio
import resource
import time

from tests.support.api import Client
from tests.support.server import RunningServer

SILENT = 1_200  # more than the server underneath takes by itself
LET_GO_SECONDS = 10


async def test_many_who_say_nothing_stop_nobody_and_are_let_go(server: RunningServer, client: Client) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4_096), hard))
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    began = time.monotonic()
    silent = [await asyncio.open_connection(host, int(port)) for _ in range(SILENT)]

    answers = await asyncio.gather(*(client.run("{ __typename }") for _ in range(20)))
    still_open = sum(not reader.at_eof() for reader, _ in silent)
    took = time.monotonic() - began
    async with asyncio.timeout(60):
        ends = await asyncio.gather(*(reader.read() for reader, _ in silent))
    for _, writer in silent:
        writer.close()

    assert answers == [{"__typename": "Query"}] * 20
    assert still_open == SILENT or took > LET_GO_SECONDS, "they were open while the others were answered"
    assert ends == [b""] * SILENT
