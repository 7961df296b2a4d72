"""Which figures were measured when, on what, and which are older than the code they measured."""

from benchmarks.provenance import report

print("\n".join(report()))
