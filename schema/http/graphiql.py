"""GraphiQL, from our own files: no CDN, and a policy that lets nothing inline run."""

from html import escape
from pathlib import Path

from starlette.staticfiles import StaticFiles

from schema.http.reply import Reply

FILES = Path(__file__).parent / "static"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # The page's dialogs write style elements.
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS: list[tuple[bytes, bytes]] = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"vary", b"Accept"),
    (b"x-content-type-options", b"nosniff"),
]

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GraphQL</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{files}/graphiql.min.css">
<link rel="stylesheet" href="{files}/page.css">
<script src="{files}/react.production.min.js" defer></script>
<script src="{files}/react-dom.production.min.js" defer></script>
<script src="{files}/graphiql.min.js" defer></script>
<script src="{files}/page.js" defer></script>
</head>
<body>
<div id="graphiql" data-endpoint="{endpoint}">Loading…</div>
<noscript>This page needs JavaScript. The API does not.</noscript>
</body>
</html>
"""


def page(path: str) -> Reply:
    """The page for the door at this path; its files are at `graphiql` below."""
    path = path.rstrip("/")
    html = PAGE.format(files=escape(f"{path}/graphiql"), endpoint=escape(path))
    return Reply(200, HEADERS, html.encode())


def assets() -> StaticFiles:
    """The page's files."""
    return StaticFiles(directory=FILES)
