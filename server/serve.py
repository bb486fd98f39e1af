"""Starting granian: its settings, its signals, and the lines that a newcomer reads first."""

import resource
import socket

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings

from server.settings import Settings

KILL_SECONDS = 15
CONNECTIONS = 8_192  # of one worker at a time
MEMORY_MB = 1_024
OTHER_FILES = 512  # that it may have open beside them


def run_server(config: Settings, *, host: str, port: int, workers: int) -> None:
    """Serves until told to stop. Raises OSError when the address is taken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
    _allow_files(CONNECTIONS + OTHER_FILES)
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
        # Deciding between the protocols waits for a first byte, for ever; HTTP/2 is what stands in front of us speaks.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        # Who says nothing is let go after those ten seconds; until then there must be room for the others.
        backpressure=CONNECTIONS,
        # Without a limit, SIGTERM while the workers are starting would wait for ever.
        workers_kill_timeout=KILL_SECONDS,
        respawn_failed_workers=True,
        # What callers can make a worker hold is bounded, but for one thing: a message on a socket comes to us when it
        # is whole, of up to 64 MB. A worker that has grown beyond all measure makes place for a new one.
        workers_max_rss=MEMORY_MB,
        rss_sample_interval=5,
        log_access=False,
    ).serve()


def _allow_files(wanted: int) -> None:
    """A connection is a file; the workers inherit how many may be open, as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


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
