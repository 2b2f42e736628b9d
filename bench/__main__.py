"""Measure everything, and print one table.

Run: python -m bench [--short]
"""

import importlib
import importlib.util
import sys
import traceback

from bench.table import Row, asked_to_be_short, show

MODULES = (
    "starts",
    "engine",
    "race",
    "offers",
    "bookings",
    "crashes",
    "first_page",
    "weight",
    "widget",
    "badge",
    "chat",
    "calls",
    "calls_rooms",
    "experts",
)


def main(short: bool) -> int:
    """Every module in turn; one that fails is told of in the table and does not keep the others from being measured."""
    rows: list[Row] = []
    for name in MODULES:
        if importlib.util.find_spec(f"bench.{name}") is None:
            continue
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            rows += [Row(*row) for row in importlib.import_module(f"bench.{name}").main(short)]
        except Exception as error:
            traceback.print_exc()
            rows.append(Row(name, "it runs", f"{type(error).__name__}: {str(error).splitlines()[:1]}", met=False))
    show(rows)
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(asked_to_be_short()))
