"""The toy as an application for a real server; TOY_LIMITS is JSON for `Limits`."""

import json
import os
from typing import Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.schema.http.toy import toy


def app() -> Any:
    served = toy(graphiql=True, **json.loads(os.environ.get("TOY_LIMITS", "{}")))

    async def record(_: object) -> JSONResponse:
        return JSONResponse(vars(served.record))

    served.rest.router.routes.append(Route("/record", record))
    return served.app
