"""The default retriever beside LangChain + Chroma + MiniLM with the same chunks, everything in one run.

    python tests/benchmarks/bench_retrieval.py --data DIR [--chunks 100000] [--only NAME ...]

DIR holds `cranfield` and `limit_small` in the layout of BEIR: corpus.jsonl, queries.jsonl, qrels.jsonl (of cranfield
the graded qrels_graded.jsonl). Both sides index the same 800-character chunks with the same embedding model, each in
processes of its own; a document ranks where its best chunk does. Getting documents in is timed from the start of the
process to its end, as one waits for it; beside it stands the same without what each side imports. It prints what is
wanted and what was found, and exits with 1 if anything is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

SIDES = Path(__file__).with_name("retrieval_sides.py")
LORESMITH = [sys.executable, "-m", "loresmith"]
SETS = {"cranfield": "qrels_graded.jsonl", "limit_small": "qrels.jsonl"}
K = 10
COLD_ROUNDS = 3
RECIPE = """
name: bench
base: smollm2-135m
instructions: You answer.
knowledge:
  sources: [{kind: jsonl, path: documents.jsonl}]
  chunker: {kind: recursive, size: 800, overlap: 100}
data:
  examples: [{kind: jsonl, path: examples.jsonl}]
"""


class Checks:
    """What is wanted beside what was found."""

    def __init__(self) -> None:
        self.missed = 0

    def at_least(self, what: str, found: float, wanted: float) -> None:
        """Note something that should be large."""
        self._note(what, found, f">= {wanted:g}", met=found >= wanted)

    def at_most(self, what: str, found: float, wanted: float) -> None:
        """Note something that should be small."""
        self._note(what, found, f"<= {wanted:g}", met=found <= wanted)

    def _note(self, what: str, found: float, wanted: str, *, met: bool) -> None:
        self.missed += not met
        print(f"{'ok    ' if met else 'MISSED'} {what}: {found:.3f} (wanted {wanted})", flush=True)


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def prepare(data: Path, name: str, work: Path) -> tuple[list[str], list[dict[str, float]]]:
    """Write the project of a data set; return its queries and the judgements of each."""
    project = work / "project"
    project.mkdir(parents=True)
    (project / "assistant.yaml").write_text(RECIPE)
    (project / "examples.jsonl").write_text('{"question": "q", "answer": "a"}\n')
    corpus = [row for row in rows(data / name / "corpus.jsonl") if row["text"].strip()]
    documents = [{"id": row["_id"], "text": row["text"], "title": row.get("title") or ""} for row in corpus]
    (project / "documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents))
    (work / "model").write_text(str(model()))
    judged: dict[str, dict[str, float]] = {}
    for row in rows(data / name / SETS[name]):
        judged.setdefault(str(row["query-id"]), {})[str(row["corpus-id"])] = row["score"]
    queries = [row for row in rows(data / name / "queries.jsonl") if judged.get(str(row["_id"]))]
    (work / "queries.json").write_text(json.dumps([row["text"] for row in queries]))
    return [row["text"] for row in queries], [judged[str(row["_id"])] for row in queries]


def model() -> Path:
    """Return the folder of the embedding model, fetched if it is not here."""
    from loresmith.host import PluginHost
    from loresmith.modelstore.store import ModelStore

    return ModelStore.for_host(PluginHost.from_environment()).path("minilm", "embedding")


def call(*arguments: str) -> dict[str, Any]:
    """Run a process and return the JSON object it prints last."""
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
    value: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return value


def side(name: str, what: str, work: Path, *more: str) -> dict[str, Any]:
    """Run one side of a measurement."""
    return call(sys.executable, str(SIDES), name, what, str(work), *more)


def whole(process: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], float]:
    """Return what a process prints, and how many seconds it took from start to end."""
    began = time.perf_counter()
    return process(), time.perf_counter() - began


def index(work: Path) -> dict[str, Any]:
    """Index with Loresmith's command."""
    return call(*LORESMITH, "index", "--json", "--project", str(work / "project"))


def write_chunks(work: Path) -> None:
    """Write Loresmith's chunks, for the other side to index the same."""
    from loresmith.knowledge.manifest import Manifest, read_chunks

    folder = work / "project/.loresmith/index"
    manifest = Manifest.read(folder)
    assert manifest is not None
    chunks = read_chunks(folder, manifest).values()
    (work / "chunks.jsonl").write_text(
        "".join(json.dumps({"text": c.text, "document": c.document}) + "\n" for c in chunks)
    )


def quality(rankings: Sequence[Sequence[str]], judged: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    """Return nDCG@10 and recall@10 of documents, each ranked by its best chunk (graded gains, log2 discount)."""
    gains, recalls = [], []
    for ranking, right in zip(rankings, judged, strict=True):
        ideal = sorted((score for score in right.values() if score > 0), reverse=True)
        if not ideal:
            continue
        top = list(dict.fromkeys(ranking))[:K]
        got = [max(0.0, right.get(document, 0)) for document in top]
        gains.append(_discounted(got) / _discounted(ideal[:K]))
        recalls.append(sum(score > 0 for score in got) / len(ideal))
    return statistics.fmean(gains), statistics.fmean(recalls)


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


def bench_set(data: Path, name: str, work: Path, checks: Checks) -> None:
    """Index, rank and time one data set on both sides."""
    queries, judged = prepare(data, name, work)
    ours, ours_whole = whole(lambda: index(work))
    again = min(index(work)["seconds"] for _ in range(3))
    write_chunks(work)
    theirs, theirs_whole = whole(lambda: side("langchain", "index", work))
    found = {who: side(who, "query", work, str(work / "queries.json")) for who in ("langchain", "loresmith")}
    scores = {who: quality(result["rankings"], judged) for who, result in found.items()}
    print(f"{name}: {ours['documents']} documents, {ours['chunks']} chunks, {len(queries)} queries")
    for who, (ndcg, recall) in scores.items():
        p50 = statistics.median(found[who]["ms"])
        print(
            f"  {who}: nDCG@10 {ndcg:.3f}, recall@10 {recall:.3f}, p50 {p50:.1f} ms, {found[who]['megabytes']:.0f} MB"
        )
    if name == "cranfield":
        checks.at_least("cranfield nDCG@10, times LangChain's", scores["loresmith"][0] / scores["langchain"][0], 1.15)
        print(f"  documents in: {ours_whole:.1f} s, LangChain {theirs_whole:.1f} s; without what is imported", end=" ")
        print(f"{ours['seconds']:.1f} s and {theirs['seconds']:.1f} s, {theirs['seconds'] / ours['seconds']:.2f} times")
        checks.at_least("documents per second in, times LangChain's", theirs_whole / ours_whole, 1.5)
        checks.at_least("the same of an unchanged corpus", theirs["seconds"] / again, 50)
        ratio = statistics.median(found["loresmith"]["ms"]) / statistics.median(found["langchain"]["ms"])
        checks.at_most("query p50, times LangChain's", ratio, 1.3)
    else:
        checks.at_least("limit_small nDCG@10", scores["loresmith"][0], 0.9)


def bench_cold(work: Path, checks: Checks) -> None:
    """Time one search in a new process on both sides, alternating; the best round of each counts."""
    query = json.loads((work / "queries.json").read_text())[0]
    ours, theirs = [], []
    for _ in range(COLD_ROUNDS):
        began = time.perf_counter()
        call(*LORESMITH, "search", query, "--json", "--project", str(work / "project"))
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        side("langchain", "cold", work, query)
        theirs.append(time.perf_counter() - began)
    print(f"cold search: {min(ours):.2f} s, LangChain {min(theirs):.2f} s")
    checks.at_most("cold search, times LangChain's", min(ours) / min(theirs), 0.4)


def bench_many(work: Path, many: int, checks: Checks) -> None:
    """Time queries over few chunks and over many."""
    few, lot = side("loresmith", "many", work, "1000"), side("loresmith", "many", work, str(many))
    before, after = statistics.median(few["ms"]), statistics.median(lot["ms"])
    for count, found in ((1000, few), (many, lot)):
        print(f"{count} chunks: p50 {statistics.median(found['ms']):.1f} ms, {found['megabytes']:.0f} MB")
    checks.at_most(f"query p50 with {many} chunks, times that with 1000", after / before, 2)


def main() -> None:
    """Measure and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with cranfield and limit_small")
    parser.add_argument("--chunks", type=int, default=100_000, help="chunks of the large index (default 100000)")
    parser.add_argument("--only", nargs="*", default=["cranfield", "limit_small", "cold", "many"], help="parts to run")
    chosen = parser.parse_args()
    missing = [name for name in SETS if not (chosen.data / name / "corpus.jsonl").is_file()]
    if missing:
        sys.exit(f'"{chosen.data}" lacks {", ".join(missing)}; nothing was measured')
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        for name in SETS:
            if name in chosen.only:
                bench_set(chosen.data, name, Path(folder) / name, checks)
        if "cold" in chosen.only and "cranfield" in chosen.only:
            bench_cold(Path(folder) / "cranfield", checks)
        if "many" in chosen.only:
            (Path(folder) / "model").write_text(str(model()))
            bench_many(Path(folder), chosen.chunks, checks)
    sys.exit(min(1, checks.missed))


if __name__ == "__main__":
    main()
