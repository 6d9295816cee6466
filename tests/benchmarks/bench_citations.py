"""How well the check of citations tells right ones from wrong ones, on the sample domain.

    python tests/benchmarks/bench_citations.py

Right ones are the sentences of the wanted replies with the passages that ground them, the sentences of the documents
themselves, and those in other words. Into all of them wrong ones of four kinds are planted, by a seed. Passages are cut
as the sample's recipe cuts them; `--whole` cites whole documents, where any number is more easily found by chance.
No model is asked. Exits with 1 if less than 95 % of the planted ones are caught, or more than 3 % of the right flagged.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable, Sequence
from math import sqrt
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from citation_plants import PLANTS, Case, Domain, paraphrased

CAUGHT, FLAGGED = 0.95, 0.03
STITCHED = 500
"""Stitched quotes: each is made anew, not from a right citation."""


def main() -> int:
    """Print the rates by kind and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whole", action="store_true", help="cite whole documents")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--show", action="store_true", help="print every case that is judged wrongly")
    arguments = parser.parse_args()
    domain = Domain.read(whole=arguments.whole)
    right = right_ones(domain)
    wrong = planted(domain, [case for cases in right.values() for case in cases], arguments.seed)
    print(f"right citations, flagged (at most {FLAGGED:.0%} wanted)")
    flagged = table(right, wanted=False, show=arguments.show)
    print(f"planted citations, caught (at least {CAUGHT:.0%} wanted)")
    caught = table(wrong, wanted=True, show=arguments.show)
    good = caught >= CAUGHT and flagged <= FLAGGED
    print("as wanted" if good else "NOT as wanted")
    return 0 if good else 1


def right_ones(domain: Domain) -> dict[str, list[Case]]:
    """Return the right citations by where their sentences are from."""
    verbatim = list(domain.verbatim())
    reworded = [other for case in verbatim if (other := paraphrased(case))]
    return {"wanted replies": list(domain.gold()), "in other words": reworded, "word for word": verbatim}


def planted(domain: Domain, right: Sequence[Case], seed: int) -> dict[str, list[Case]]:
    """Return wrong citations by kind, one of each kind for every right one where it can be made."""
    found = {}
    for kind, plant in PLANTS.items():
        chance = random.Random(f"{seed} {kind}")
        cases = right if kind != "stitched quote" else right[:STITCHED]
        found[kind] = [wrong for case in cases if (wrong := plant(case, domain, chance))]
    return found


def table(cases: dict[str, list[Case]], *, wanted: bool, show: bool) -> float:
    """Print the share that is flagged by kind, and return that of all."""
    every: list[bool] = []
    for kind, of_kind in cases.items():
        flags = [case.flagged for case in of_kind]
        every += flags
        print(f"  {kind:16} {interval(flags)}")
        for case, flag in zip(of_kind, flags, strict=True) if show else ():
            if flag is not wanted:
                print(f"      {case.document}: {case.claim}")
    print(f"  {'all':16} {interval(every)}")
    return sum(every) / len(every)


def interval(flags: Iterable[bool]) -> str:
    """Return a share with its 95 % interval (Wilson 1927)."""
    told = list(flags)
    n, z = len(told), 1.96
    share = sum(told) / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return f"{share:6.1%} [{middle - half:.1%}, {middle + half:.1%}]  n {n}"


if __name__ == "__main__":
    sys.exit(main())
