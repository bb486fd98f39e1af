"""The use cases: who may, in which transaction, in which order. Every door calls these, and only these."""
