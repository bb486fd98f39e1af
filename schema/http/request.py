"""Reads a GraphQL request from HTTP without trusting a byte of it."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive

from schema.engine.deadline import Deadlines
from schema.engine.limits import Limits

PARAMETERS_MOST: Final = 20
DOCUMENT_ID_LENGTH_MOST: Final = 200
NUL_ESCAPED: Final = "\\u0000"
_NUL_ESCAPED_BYTES: Final = NUL_ESCAPED.encode()
JSON_TYPES: Final = (b"application/json", b"application/json; charset=utf-8")


class BadRequest(Exception):
    """The request is not one of GraphQL over HTTP; `status`, `code` and `headers` are for the answer.

    After `hang_up` the rest of the request is not worth waiting for.
    """

    def __init__(
        self,
        message: str,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
        *,
        code: str = "BAD_REQUEST",
        hang_up: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.hang_up = hang_up


class CallerGone(Exception):
    """The caller hung up before the request was complete: there is nobody to answer."""


class GraphQLRequest(NamedTuple):
    """What GraphQL over HTTP calls the parameters.

    Without a `query`, the document's SHA-256 (`hash`, of Apollo's persisted queries) or its `document_id` is there.
    """

    query: str | None
    variables: dict[str, Any]
    operation_name: str | None = None
    hash: str | None = None
    document_id: str | None = None


def check_content_type(headers: Mapping[bytes, bytes]) -> None:
    """Only application/json in UTF-8 and not encoded otherwise. No HTML form can send it: see `door`."""
    declared = headers.get(b"content-type", b"")
    if declared not in JSON_TYPES and not _is_json(declared[:1_000]):
        raise BadRequest("Send the request as application/json in UTF-8.", 415, {"Accept-Post": "application/json"})
    if headers.get(b"content-encoding", b"").strip().lower() not in (b"", b"identity"):
        raise BadRequest("Send the request without a Content-Encoding.", 415, {"Accept-Encoding": "identity"})


@lru_cache(maxsize=64)
def _is_json(declared: bytes) -> bool:
    mime, *parameters = (part.strip().lower() for part in declared.decode("latin-1").split(";"))
    charsets = [
        value.strip().strip('"')
        for name, _, value in (p.partition("=") for p in parameters)
        if name.strip() == "charset"
    ]
    return mime == "application/json" and all(charset in ("utf-8", "utf8") for charset in charsets)


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limits: Limits, deadlines: Deadlines) -> bytes:
    """The body, at most `limits.body_bytes` long and complete before a limit of `deadlines` is over.

    Raises BadRequest (413, 408, 400).
    """
    declared = headers.get(b"content-length")
    if declared is not None and (len(declared) > 18 or not declared.isdigit() or int(declared) > limits.body_bytes):
        raise _too_large(limits)
    expected = int(declared) if declared and b"transfer-encoding" not in headers else None
    try:
        with deadlines.limit():
            body = b""
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    # Who hung up hears nothing; who sent a body that is none would else be told of a fault of ours.
                    raise BadRequest("The request was cut off.", hang_up=True)
                body += message.get("body", b"")
                if len(body) > limits.body_bytes:
                    raise _too_large(limits)
                # Servers tell only with a further message that nothing follows; who told the length need not wait.
                if len(body) == expected or not message.get("more_body", False):
                    return body
    except TimeoutError:
        raise BadRequest("The request did not arrive in time.", 408, hang_up=True) from None


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
    if "\0" in text or "%00" in text:
        raise _has_nul()
    return request_of(parameters)


def request_of(parameters: object) -> GraphQLRequest:
    """The request in a JSON value. Raises BadRequest."""
    if type(parameters) is not dict:
        if isinstance(parameters, list):
            raise BadRequest("Send one operation at a time: batches are not supported.")
        raise BadRequest("The request must be a JSON object.")
    operation_name = parameters.get("operationName")
    if not isinstance(operation_name, str | None):
        raise BadRequest("operationName must be text.")
    variables = _object(parameters, "variables")
    extensions = _object(parameters, "extensions")
    query, document_id = parameters.get("query"), parameters.get("documentId")
    persisted = extensions.get("persistedQuery") if extensions else None
    hash_ = None if persisted is None else _hash_of(persisted)
    if type(query) is not str or not query or query.isspace():
        if query not in (None, "") or (hash_ is None and document_id is None):
            raise BadRequest("The request needs a query: a GraphQL document as text.")
        query = None
    if document_id is not None:
        _check_document_id(document_id, query, hash_)
    return GraphQLRequest(query, variables, operation_name or None, hash_, document_id)


def _hash_of(persisted: object) -> str:
    if not isinstance(persisted, dict) or persisted.get("version") != 1:
        raise BadRequest("extensions.persistedQuery must be of version 1.")
    hash_ = persisted.get("sha256Hash")
    if not isinstance(hash_, str) or not re.fullmatch("[0-9a-f]{64}", hash_):
        raise BadRequest("extensions.persistedQuery.sha256Hash must be 64 hexadecimal digits in lower case.")
    return hash_


def _check_document_id(document_id: object, query: str | None, hash_: str | None) -> None:
    if not isinstance(document_id, str) or not 0 < len(document_id) <= DOCUMENT_ID_LENGTH_MOST:
        raise BadRequest("documentId must be text.")
    if query is not None or hash_ is not None:
        raise BadRequest("Send a documentId alone, without a query or a persistedQuery.")


def loads(text: bytes | str) -> Any:
    """Strict JSON: no NaN, no endless nesting, no half characters, no NUL characters. Raises BadRequest."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"This is not valid JSON: line {error.lineno}, column {error.colno}.") from None
    # Only an escape can bring one in, and databases do not take this character in a text.
    escaped = NUL_ESCAPED in text if isinstance(text, str) else _NUL_ESCAPED_BYTES in text
    if escaped and _holds_nul(value):
        raise _has_nul()
    return value


def _object(parameters: dict[str, Any], name: str) -> dict[str, Any]:
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be a JSON object.")
    return value


def _has_nul() -> BadRequest:
    return BadRequest("The request has a NUL character.")


def _holds_nul(value: object) -> bool:
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
