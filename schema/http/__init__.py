"""GraphQL over HTTP, SSE and WebSocket, for any Strawberry schema: this package knows nothing of telecom.

`door.GraphQLDoor` is what a server mounts; `engine.Engine` is the seam behind it; `limits.Limits` bounds every request.
"""
