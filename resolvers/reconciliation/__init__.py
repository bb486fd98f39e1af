"""Reconciliation for staff and commands: a statement is compared, what differs is looked at and settled."""

from resolvers.reconciliation.looking import (
    DifferenceView,
    Sum,
    difference,
    differences,
    every_difference,
    latest_runs,
    run_by_id,
    sums,
)
from resolvers.reconciliation.runs import Period, RunView, begin, carry_out, fail_stale, reconcile
from resolvers.reconciliation.settling import settle

__all__ = [
    "DifferenceView",
    "Period",
    "RunView",
    "Sum",
    "begin",
    "carry_out",
    "difference",
    "differences",
    "every_difference",
    "fail_stale",
    "latest_runs",
    "reconcile",
    "run_by_id",
    "settle",
    "sums",
]
