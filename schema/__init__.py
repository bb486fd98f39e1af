"""The GraphQL door: types, inputs, unions; no decisions. `schema.root.build()` puts them together."""
