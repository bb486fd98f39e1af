"""The staff's door: server-rendered pages and forms on the same resolvers as every other door."""
