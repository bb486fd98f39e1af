"""GraphQL over HTTP, SSE and WebSocket, for any Strawberry schema: this package knows nothing of telecom.

`door.GraphQLDoor` is what a server mounts; `schema.engine` is what runs the operations behind it.
"""
