"""GraphiQL, from our own files: no CDN, and a policy that lets nothing inline run."""

from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

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


def page(path: str) -> Response:
    """The page for the door at this path; its files are at `graphiql` below."""
    html = PAGE.format(files=escape(f"{path.rstrip('/')}/graphiql"), endpoint=escape(path))
    headers = {
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(html, headers=headers)


def assets() -> StaticFiles:
    """The page's files."""
    return StaticFiles(directory=FILES)
