"""Persisted documents: a request names its document instead of sending it.

Two kinds. Trusted ones are the operator's own, read from a folder at the start, for ever; a request names one by its
file's name or by the SHA-256 of its text. Automatic ones (Apollo's protocol, version 1) are what callers sent together
with its SHA-256 before: kept in memory while there is room, in every process for itself.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from schema.engine.answer import Answer
from schema.engine.documents import Documents, Refused
from schema.engine.errors import entry
from schema.http.request import BadRequest, GraphQLRequest

# What clients look for before they send the document itself.
NOT_FOUND: Final = "PersistedQueryNotFound"


class BadDocument(ValueError):
    """A trusted document that cannot be run; the words say which and why."""


def trusted_documents(folder: Path, documents: Documents) -> dict[str, str]:
    """The texts of a folder's *.graphql files by their names without the ending. Raises BadDocument."""
    texts = {}
    for path in sorted(folder.glob("*.graphql")):
        try:
            text = path.read_text(encoding="utf-8")
            documents.read(text)
        except (OSError, UnicodeDecodeError) as error:
            raise BadDocument(f"{path.name}: {type(error).__name__}") from None
        except Refused as refused:
            raise BadDocument(f"{path.name}: {refused.errors[0].message}") from None
        texts[path.stem] = text
    return texts


class PersistedDocuments:
    """Finds the text that a request means.

    `trusted` are texts by name. With `trusted_only` nothing else runs, whether it is named or sent. The automatic ones
    weigh at most `tokens_most` tokens together, the least recently used go first.
    """

    def __init__(
        self,
        documents: Documents,
        trusted: Mapping[str, str] | None = None,
        *,
        trusted_only: bool = False,
        tokens_most: int = 100_000,
    ) -> None:
        self.documents = documents
        self.trusted_only = trusted_only
        self._trusted: dict[str, str] = {}
        for name, text in (trusted or {}).items():
            self._trusted |= {name: text, _hash(text): text}
        self._texts = frozenset(self._trusted.values())
        self._tokens_most = tokens_most
        self._kept: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._tokens = 0

    def text_of(self, asked: GraphQLRequest) -> str | Answer:
        """The document's text, or the answer that it must be sent. Raises BadRequest."""
        text = asked.query
        if text is None:
            text = self._named(asked)
            if text is None:
                return Answer(None, [entry(NOT_FOUND, "NOT_FOUND")], executed=False)
        elif self.trusted_only and text not in self._texts:
            raise _not_trusted()
        elif asked.hash is not None and asked.hash != _hash(text):
            raise BadRequest("The sha256Hash is not that of the query.")
        return text

    def remember(self, asked: GraphQLRequest) -> None:
        """Keeps the document of a request that sent it together with its hash, if it is valid."""
        if asked.query is None or asked.hash is None or asked.hash in self._kept or self.trusted_only:
            return
        try:
            weight = self.documents.read(asked.query).weight
        except Refused:
            return
        self._kept[asked.hash] = asked.query, weight
        self._tokens += weight
        while self._tokens > self._tokens_most:
            _, (_, fewer) = self._kept.popitem(last=False)
            self._tokens -= fewer

    def _named(self, asked: GraphQLRequest) -> str | None:
        """None for an automatic document that is not here (any more)."""
        name = asked.hash or (asked.document_id or "").removeprefix("sha256:")
        text = self._trusted.get(name)
        if text is not None:
            return text
        if self.trusted_only:
            raise _not_trusted()
        kept = self._kept.get(name)
        if kept is not None:
            self._kept.move_to_end(name)
            return kept[0]
        if asked.hash is None:
            raise BadRequest("There is no document of that id.", 404, code="NOT_FOUND")
        return None


def _not_trusted() -> BadRequest:
    return BadRequest("Only documents that are registered here run: name one by documentId.", 403, code="FORBIDDEN")


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
