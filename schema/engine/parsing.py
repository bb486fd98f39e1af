"""graphql-core's parser, leaving nothing behind.

A document's tokens point at each other both ways. Left as they are, those of a document that nobody keeps would wait
for Python's rarest collection of garbage, and a caller who never sends the same text twice would fill the memory
meanwhile.
"""

from graphql import DocumentNode, Lexer, Source, Token, TokenKind
from graphql.language.parser import Parser, nested_too_deeply_error

from schema.engine.errors import fault


def parsed(text: str, *, tokens_most: int) -> DocumentNode:
    """The document of this text. Raises GraphQLError: its syntax, too many tokens, or a NUL character.

    An escape in a text of the document can spell the NUL character, which databases do not take.
    """
    lexer = Lexer(Source(text))
    parser = Parser(lexer.source, lexer=lexer, max_lexical_tokens=tokens_most, max_comments=tokens_most)
    first = lexer.token
    try:
        document = parser.parse_document()
    except RecursionError:
        raise nested_too_deeply_error(parser) from None
    finally:
        has_nul = _take_apart(first)
    if has_nul:
        raise fault("The document has a NUL character.")
    return document


def _take_apart(token: Token | None) -> bool:
    """Unties the tokens; says whether a text among them has a NUL character."""
    has_nul = False
    while token is not None:
        following = token.next
        if token.kind in (TokenKind.STRING, TokenKind.BLOCK_STRING) and "\0" in (token.value or ""):
            has_nul = True
        token.prev = token.next = None
        token = following
    return has_nul
