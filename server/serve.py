"""Starting granian: its settings, its signals, and the lines that a newcomer reads first."""

import socket

from granian import Granian
from granian.constants import Interfaces, Loops
from granian.http import HTTP1Settings

from server.settings import Settings

KILL_SECONDS = 15


def run_server(config: Settings, *, host: str, port: int, workers: int) -> None:
    """Serves until told to stop. Raises OSError when the address is taken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
    if config.development:
        _greet(host, port)
    Granian(
        "server.app:app",
        factory=True,
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        websockets=True,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        # Without a limit, SIGTERM while the workers are starting would wait for ever.
        workers_kill_timeout=KILL_SECONDS,
        respawn_failed_workers=True,
        log_access=False,
    ).serve()


def _greet(host: str, port: int) -> None:
    from server.demo import STAFF_PASSWORD, STAFF_USERNAME
    from server.demo_people import DEMO_SUBSCRIBERS

    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lines = [
        "",
        "  Kabinet",
        f"    API      {base}/graphql   (open it in a browser for GraphiQL)",
        f"    Admin    {base}/admin     ({STAFF_USERNAME} / {STAFF_PASSWORD}; an authenticator app's code next)",
        f"    Codes    {base}/demo      (the codes that were sent, operations to paste)",
        "",
        "  Sign in with one of these numbers; the code is printed here and shown on the page:",
        *(f"    {one.phone}  {one.tells}" for one in DEMO_SUBSCRIBERS),
        "",
    ]
    print("\n".join(lines), flush=True)
