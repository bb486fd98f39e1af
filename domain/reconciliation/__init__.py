"""Reconciliation: a payment system's statement beside our payments, and what differs.

`rows` says what a statement holds; `values`, `lines`, `csv_statement`, `json_statement` and `reading` read one of any
size; `matching` finds what differs, set by set in the database; `settling` says what can become of a difference. Who
may, and the work on a whole file, is in resolvers/reconciliation.
"""
