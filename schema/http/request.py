"""Reads a GraphQL request from HTTP without trusting a byte of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive

from schema.engine.limits import Limits

PARAMETERS_MOST = 20


class BadRequest(Exception):
    """The request is not one of GraphQL over HTTP; `status` and `headers` are for the answer.

    After `hang_up` the rest of the request is not worth waiting for.
    """

    def __init__(
        self, message: str, status: int = 400, headers: Mapping[str, str] | None = None, *, hang_up: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.headers = dict(headers or {})
        self.hang_up = hang_up


class CallerGone(Exception):
    """The caller hung up before the request was complete: there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What GraphQL over HTTP calls the parameters."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None


def check_content_type(headers: Headers) -> None:
    """Only application/json in UTF-8 and not encoded otherwise. No HTML form can send it: see `door`."""
    declared = headers.getlist("content-type")
    mime, *parameters = (part.strip().lower() for part in (declared[0] if len(declared) == 1 else "").split(";"))
    charsets = [
        value.strip().strip('"')
        for name, _, value in (p.partition("=") for p in parameters)
        if name.strip() == "charset"
    ]
    if mime != "application/json" or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise BadRequest("Send the request as application/json in UTF-8.", 415, {"Accept-Post": "application/json"})
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise BadRequest("Send the request without a Content-Encoding.", 415, {"Accept-Encoding": "identity"})


async def read_body(receive: Receive, headers: Headers, limits: Limits) -> bytes:
    """The body, at most `limits.body_bytes` long and complete within `limits.body_seconds`.

    Raises BadRequest (413, 408) or CallerGone.
    """
    declared = headers.get("content-length", "0")
    if len(declared) > 18 or not declared.isdecimal() or int(declared) > limits.body_bytes:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _collect(receive, limits)
    except TimeoutError:
        raise BadRequest("The request did not arrive in time.", 408, hang_up=True) from None


async def _collect(receive: Receive, limits: Limits) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        body += message.get("body", b"")
        if len(body) > limits.body_bytes:
            raise _too_large(limits)
        if not message.get("more_body", False):
            return bytes(body)


def _too_large(limits: Limits) -> BadRequest:
    message = f"The request is too large: at most {limits.body_bytes:,} bytes."
    return BadRequest(message, 413, hang_up=True)


def request_of_query_string(raw: bytes, limits: Limits) -> GraphQLRequest:
    """The request in the query string of a GET; variables and extensions are JSON there. Raises BadRequest."""
    if len(raw) > limits.body_bytes:
        raise BadRequest("The address is too long.", 414)
    try:
        text = raw.decode("ascii")
        found = dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS_MOST))
    except ValueError:
        raise BadRequest("The query string is not valid.") from None
    parameters: dict[str, Any] = dict(found)
    for name in ("variables", "extensions"):
        if found.get(name):
            parameters[name] = loads(found[name])
        else:
            parameters.pop(name, None)
    return request_of(parameters)


def request_of(parameters: object) -> GraphQLRequest:
    """The request in a JSON value. Raises BadRequest."""
    if isinstance(parameters, list):
        raise BadRequest("Send one operation at a time: batches are not supported.")
    if not isinstance(parameters, dict):
        raise BadRequest("The request must be a JSON object.")
    query = parameters.get("query")
    if not isinstance(query, str) or not query.strip():
        raise BadRequest("The request needs a query: a GraphQL document as text.")
    operation_name = parameters.get("operationName")
    if not isinstance(operation_name, str | None):
        raise BadRequest("operationName must be text.")
    variables = _object(parameters, "variables")
    _object(parameters, "extensions")
    if _has_nul(parameters):
        raise BadRequest("The request has a NUL character.")
    return GraphQLRequest(query, variables, operation_name or None)


def loads(text: bytes | str) -> Any:
    """Strict JSON: no NaN, no endless nesting, no half characters. Raises BadRequest."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"This is not valid JSON: line {error.lineno}, column {error.colno}.") from None


def _object(parameters: dict[str, Any], name: str) -> dict[str, Any]:
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be a JSON object.")
    return value


def _has_nul(value: object) -> bool:
    """Databases do not take this character in a text."""
    stack = [value]
    while stack:
        match stack.pop():
            case str(text):
                if "\0" in text:
                    return True
            case list(items):
                stack.extend(items)
            case dict(items):
                stack.extend(items.keys())
                stack.extend(items.values())
            case _:
                pass
    return False
