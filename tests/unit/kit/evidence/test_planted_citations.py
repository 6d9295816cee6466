"""A small version of tests/benchmarks/bench_citations.py: enough of the sample domain to notice a check that broke."""

from __future__ import annotations

import random

import pytest

from citation_plants import PLANTS, Case, Domain, paraphrased

WANTED = {"other document": 0.97, "altered number": 0.9, "altered date": 0.9, "stitched quote": 0.8}


@pytest.fixture(scope="module")
def domain() -> Domain:
    return Domain.read()


@pytest.fixture(scope="module")
def right(domain: Domain) -> list[Case]:
    verbatim = list(domain.verbatim())[::14]
    reworded = [case for each in verbatim if (case := paraphrased(each))]
    return [*domain.gold(every=8), *verbatim, *reworded]


def test_few_right_citations_of_the_sample_domain_are_flagged(right: list[Case]) -> None:
    assert len(right) > 100
    flagged = [case.claim for case in right if case.flagged]
    assert len(flagged) <= 0.06 * len(right), flagged


@pytest.mark.parametrize("kind", PLANTS)
def test_wrong_citations_that_are_planted_are_caught(kind: str, domain: Domain, right: list[Case]) -> None:
    chance = random.Random(kind)
    wrong = [case for each in right if (case := PLANTS[kind](each, domain, chance))]
    caught = sum(case.flagged for case in wrong)
    assert caught >= WANTED[kind] * len(wrong), f"{caught} of {len(wrong)}"
