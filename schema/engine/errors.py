"""The top-level errors: faults of the request, each with a code, and never an insight into the server.

Business refusals are not here: they are members of result unions.
"""

import re
import secrets
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import structlog
from graphql import FieldNode, GraphQLError

CODES = frozenset(
    {"BAD_REQUEST", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "TOO_COMPLEX", "RATE_LIMITED", "INTERNAL"}
)
MESSAGE_LENGTH = 300

ErrorDict = dict[str, Any]
PresentError = Callable[[GraphQLError, Any], ErrorDict | None]
"""Gives what to change in the entry of an error that the caller may see (its `message` in the caller's language)."""

log = structlog.get_logger(__name__)


def fault(message: str, code: str = "BAD_REQUEST", **facts: Any) -> GraphQLError:
    """A fault of the request with its code; the facts become extensions."""
    return GraphQLError(message, extensions={"code": code, **facts})


def shorten(text: str) -> str:
    """A message never grows with what the caller sent."""
    return text if len(text) <= MESSAGE_LENGTH else text[: MESSAGE_LENGTH - 1] + "…"


def public_code(error: BaseException) -> str | None:
    """The code of an exception that says by `graphql_code` that the caller may see it, else None."""
    code = getattr(error, "graphql_code", None)
    return code if isinstance(code, str) and code in CODES else None


def public_message(error: BaseException) -> str:
    """What an exception with a code tells the caller: its words, else its class's `text`."""
    return shorten(str(error) or str(getattr(error, "text", "")) or "The request was refused.")


def entry(message: str, code: str, **facts: Any) -> ErrorDict:
    """An error outside any document, in the shape that GraphQL gives errors."""
    return {"message": shorten(message), "extensions": {"code": code, **facts}}


def refusal(error: Exception) -> ErrorDict:
    """The entry for an exception raised before execution; one without a code is masked and logged."""
    code = public_code(error)
    if code is None:
        return internal(error)
    return entry(public_message(error), code, **_facts(error))


def internal(error: BaseException) -> ErrorDict:
    """Logs an unexpected exception and gives the entry that only quotes the log's id."""
    return entry("Internal error", "INTERNAL", id=_log(error))


def present_request_errors(
    errors: Iterable[GraphQLError], context: Any, change: PresentError | None
) -> list[ErrorDict]:
    """Entries for what is wrong with a document or its variables: shown, for the caller must mend it."""
    return [_changed(_shown(error, "BAD_REQUEST"), error, context, change) for error in errors]


def present_execution_errors(
    errors: Iterable[GraphQLError], context: Any, change: PresentError | None
) -> list[ErrorDict]:
    """Entries for what resolvers raised. What is unexpected in one answer shares an id and is logged once a place."""
    entries: list[ErrorDict] = []
    error_id, seen = "", set[str]()
    for error in errors:
        cause = _cause(error)
        if _is_public(cause):
            entries.append(_changed(_shown(error, "BAD_REQUEST"), error, context, change))
            continue
        place = _place(cause)
        if place not in seen:
            seen.add(place)
            error_id = _log(cause, error_id, ".".join(str(key) for key in error.path or ()))
        entries.append({**_located(error, "Internal error"), "extensions": {"code": "INTERNAL", "id": error_id}})
    return entries


def _cause(error: GraphQLError) -> Exception:
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _is_public(cause: Exception) -> bool:
    """Of graphql-core's own errors only those about the document's values are the caller's affair."""
    if not isinstance(cause, GraphQLError):
        return public_code(cause) is not None
    if (cause.extensions or {}).get("code") in CODES:
        return True
    return bool(cause.nodes) and not any(isinstance(node, FieldNode) for node in cause.nodes or ())


def _shown(error: GraphQLError, default_code: str) -> ErrorDict:
    cause = _cause(error)
    code = public_code(cause)
    if code is not None:
        return {**_located(error, public_message(cause)), "extensions": {"code": code, **_facts(cause)}}
    extensions = dict((cause.extensions if isinstance(cause, GraphQLError) else None) or {})
    if extensions.get("code") not in CODES:
        extensions["code"] = default_code
    return {**_located(error, shorten(error.message)), "extensions": extensions}


def _located(error: GraphQLError, message: str) -> ErrorDict:
    located: ErrorDict = {"message": message}
    if error.locations:
        located["locations"] = [{"line": at.line, "column": at.column} for at in error.locations[:10]]
    if error.path is not None:
        located["path"] = list(error.path)
    return located


def _facts(error: BaseException) -> dict[str, Any]:
    seconds = getattr(error, "retry_after_seconds", None)
    return {"retryAfterSeconds": seconds} if isinstance(seconds, int) else {}


def _changed(shown: ErrorDict, error: GraphQLError, context: Any, change: PresentError | None) -> ErrorDict:
    if change is None:
        return shown
    try:
        changes = change(error, context) or {}
    except Exception as trouble:
        _log(trouble)
        return shown
    return {**shown, **changes, "extensions": {**changes.get("extensions", {}), **shown["extensions"]}}


# The log says where it happened and of what kind, without values: drivers and int() quote what they were given.
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|\([^)]*\)|\d{3,}")


def _log(error: BaseException, error_id: str = "", path: str = "") -> str:
    error_id = error_id or secrets.token_hex(6)
    trace = "\ncaused:\n".join(_frames(each) for each in _chain(error))
    log.error("graphql_internal_error", id=error_id, path=path, kind=type(error).__qualname__, exception=trace)
    return error_id


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception's causes, oldest first, and itself."""
    chain = [error]
    while (before := _before(chain[-1])) is not None and before not in chain and len(chain) < 5:
        chain.append(before)
    return reversed(chain)


def _before(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _frames(error: BaseException) -> str:
    words = (str(error).splitlines() or [""])[0]
    frames = "".join(traceback.format_tb(error.__traceback__, limit=-20))
    return f"{frames}{type(error).__module__}.{type(error).__qualname__}: {_VALUES.sub('…', words)[:200]}"


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{type(error).__qualname__} {frames[0].filename}:{frames[0].lineno}" if frames else type(error).__qualname__
