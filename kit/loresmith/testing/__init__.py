"""The conformance suite: what any plugin's parts must satisfy, to be called from a test of one's own.

    from loresmith.testing import check_metric

    def test_my_metric_conforms():
        check_metric(MyMetric(MyOptions()))

Each check raises `AssertionError` with what the contract says and what was found.
"""

from loresmith.testing.behaviour import (
    check_choosing_engine,
    check_engine,
    check_maker,
    check_method,
    check_metric,
)
from loresmith.testing.given import (
    SAMPLE_DOCUMENTS,
    SAMPLE_EXAMPLES,
    SAMPLE_PREFERENCES,
    scored_answer,
    stage_context,
)
from loresmith.testing.knowledge import (
    check_chunker,
    check_embedder,
    check_reranker,
    check_retriever,
    check_source,
    check_store,
)
from loresmith.testing.spec import check_spec

__all__ = [
    "SAMPLE_DOCUMENTS",
    "SAMPLE_EXAMPLES",
    "SAMPLE_PREFERENCES",
    "check_choosing_engine",
    "check_chunker",
    "check_embedder",
    "check_engine",
    "check_maker",
    "check_method",
    "check_metric",
    "check_reranker",
    "check_retriever",
    "check_source",
    "check_spec",
    "check_store",
    "scored_answer",
    "stage_context",
]
