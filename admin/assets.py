"""The admin's own files, under addresses that change with their content, so that browsers keep them for good."""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

FOLDER: Final = Path(__file__).parent / "static"
SERVED: Final = ("kabinet.css", "kabinet.js", "icon.svg", "vendor/htmx.min.js")
FOR_GOOD: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    media_type: str
    digest: str


class Assets:
    """`address(name)` is where a file is, below the admin; in development files are read at each request."""

    def __init__(self, *, development: bool) -> None:
        self._development = development
        self._read = {name: _read(name) for name in SERVED}

    def address(self, name: str) -> str:
        return f"/static/{self._asset(name).digest}/{name}"

    def _asset(self, name: str) -> Asset:
        return _read(name) if self._development else self._read[name]

    async def serve(self, request: Request) -> Response:
        """The file. An address of another content, from a page before or after this release, is not to be kept."""
        name = request.path_params["name"]
        if name not in SERVED:
            return Response(status_code=404)
        asset = self._asset(name)
        keep = FOR_GOOD if request.path_params["digest"] == asset.digest else "no-cache"
        return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": keep})


def _read(name: str) -> Asset:
    content = (FOLDER / name).read_bytes()
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(content, media_type, hashlib.sha256(content).hexdigest()[:16])
