from loresmith_brevity import Brevity, BrevityOptions

from loresmith.testing import check_metric, scored_answer


def test_brevity_conforms() -> None:
    check_metric(Brevity(BrevityOptions()))


def test_a_longer_answer_scores_less() -> None:
    metric = Brevity(BrevityOptions(words=2))
    assert metric.score(scored_answer(text="No dogs.")) == 1.0
    assert metric.score(scored_answer(text="No dogs at all.")) == 0.5
