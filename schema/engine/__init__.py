"""Runs GraphQL operations over any Strawberry schema: this package knows nothing of telecom, nor of HTTP."""
