"""Checks of what generates, trains and scores: engines, methods, metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from loresmith.errors import ModelError
from loresmith.specs import ChoosingEngine, Engine, Maker, Metric, Trainer
from loresmith.testing.given import SAMPLE_EXAMPLES, scored_answer
from loresmith.values import Example, Message, Sampling, Weights

QUESTIONS = ("When does the kiosk open?", "May I bring my dog, and two bicycles as well, on the early boat?", "Hello")


def check_engine(engine: Engine) -> None:
    """Check that replies come in order, are the same alone, batched and streamed, and can be drawn."""
    conversations = _conversations()
    engine.use(Weights())
    for question, conversation in zip(QUESTIONS, conversations, strict=True):
        assert question in engine.render(conversation), "the rendered prompt must hold what the user said"
    together = engine.complete(conversations)
    assert len(together) == len(conversations), f"{len(conversations)} conversations gave {len(together)} completions"
    for conversation, completion in zip(conversations, together, strict=True):
        alone = engine.complete([conversation])[0].text
        assert alone == completion.text, f"alone the reply is {alone!r}, in a batch {completion.text!r}"
        assert completion.tokens_in > 0, "a completion must say how many tokens were read"
        assert completion.seconds >= 0, "a completion must say how long it took"
    streamed = "".join(engine.stream_text(conversations[0])).strip()
    assert streamed == together[0].text.strip(), f"streamed the reply is {streamed!r}, completed {together[0].text!r}"
    assert engine.complete([]) == [], "no conversation must give no completion"
    assert engine.identity == engine.identity != "", "the identity must be a constant text"
    _check_drawing(engine)
    _check_switching(engine)


def _conversations() -> list[list[Message]]:
    return [
        [{"role": "system", "content": "You answer."}, {"role": "user", "content": question}] for question in QUESTIONS
    ]


def _check_drawing(engine: Engine) -> None:
    drawn, again = (
        [completion.text for completion in engine.complete(_conversations(), sampling=Sampling(seed=5))]
        for _ in range(2)
    )
    assert len(drawn) == len(QUESTIONS), f"{len(QUESTIONS)} conversations gave {len(drawn)} drawn completions"
    assert drawn == again, f"the same seed drew {drawn} and then {again}"


def _check_switching(engine: Engine) -> None:
    before, identity = engine.complete(_conversations()[:1])[0].text, engine.identity
    for weights in (Weights(adapter=Path("no-such-adapter")), Weights(model=Path("no-such-model"))):
        try:
            engine.use(weights)
        except ModelError:
            pass
        else:
            raise AssertionError(f"weights that are not there must be refused with a ModelError: {weights}")
    assert engine.complete(_conversations()[:1])[0].text == before, "weights that were refused change the replies"
    assert engine.identity == identity, "weights that were refused change the identity"


def check_choosing_engine(engine: ChoosingEngine) -> None:
    """Check that options' log-probabilities are some, lie in their order, and do not depend on what is asked beside."""
    conversations, options = _conversations(), ("A", "B", "No")
    found = engine.log_probabilities(conversations, options)
    assert len(found) == len(conversations), f"{len(conversations)} conversations gave {len(found)} lists"
    for conversation, values in zip(conversations, found, strict=True):
        assert len(values) == len(options), f"{len(options)} options gave {len(values)} log-probabilities"
        assert all(value <= 1e-4 for value in values), f"log-probabilities are not above 0: {values}"
        total = sum(map(math.exp, values))
        assert total <= 1.001, f"the options exclude one another, and their probabilities sum to {total}"
        (alone,) = engine.log_probabilities([conversation], options[::-1])
        near = all(math.isclose(a, b, abs_tol=1e-3) for a, b in zip(values, alone[::-1], strict=True))
        assert near, f"asked alone and backwards, {values} become {alone[::-1]}"
    assert engine.log_probabilities([], options) == [], "no conversation must give no list"


def check_method(trainer: Trainer, folder: Path) -> None:
    """Check a stage that is ready to run: its receipt says what it trains, and it leaves an adapter in its folder.

    Args:
        trainer: What the method's `build` gave.
        folder: The folder of the stage's context.
    """
    receipt = trainer.receipt()
    assert receipt.trained_tokens > 0, "the receipt must count the tokens that enter the loss"
    assert receipt.eos_trained, "every reply's end of turn must enter the loss, or the model never stops"
    assert receipt.samples, "the receipt must show rendered examples"
    assert any(trained for sample in receipt.samples for _, trained in sample), "no token of the samples is trained"
    result = trainer.train()
    assert result.steps > 0, "the stage made no step"
    for name, loss in (("train_loss", result.train_loss), ("dev_loss", result.dev_loss)):
        assert math.isfinite(loss), f"{name} is {loss}"
    if result.adapter is not None:
        assert result.adapter.is_dir(), f'the adapter "{result.adapter}" is not there'
        assert result.adapter.resolve().is_relative_to(folder.resolve()), "the adapter must lie in the stage's folder"


def check_maker(maker: Maker, examples: Sequence[Example] = SAMPLE_EXAMPLES) -> None:
    """Check that a maker makes whole examples, the same for the same seed, and leaves those given as they are."""
    before = repr(examples)
    made = maker.make(examples, 1)
    assert made, "no example was made; check it on examples it makes some of"
    assert repr(examples) == before, "the examples given must stay as they are"
    for example in made:
        roles = [message["role"] for message in example.messages if message["role"] != "system"]
        assert roles[-2:] == ["user", "assistant"], f"an example must end with a question and its reply, not {roles}"
        assert example.question.strip(), f'the example "{example.id}" asks nothing'
        assert example.reply.strip(), f'the example "{example.id}" replies nothing'
    assert maker.make(examples, 1) == made, "the same seed must make the same"


def check_metric(metric: Metric) -> None:
    """Check that scores lie between 0 and 1, are the same every time, and that a perfect answer is not beaten."""
    answerable, beyond = SAMPLE_EXAMPLES
    perfect = (scored_answer(), scored_answer(beyond.reply, beyond, (), refused=True))
    poor = (
        scored_answer("Perhaps. " * 200, answerable, ("other.md",)),
        scored_answer("Of course: it is mine! " * 100, beyond, ("other.md",)),
    )
    odd = (scored_answer("", answerable, ()), scored_answer("\x00 ] [1", beyond, ()))
    for answer in (*perfect, *poor, *odd):
        score = metric.score(answer)
        assert score == metric.score(answer), "scoring twice must give the same"
        assert score is None or 0 <= score <= 1, f"the score {score} of {answer.text[:40]!r} is not between 0 and 1"
    for good, bad in zip(perfect, poor, strict=True):
        high, low = metric.score(good), metric.score(bad)
        assert (high is None) == (low is None), "whether a metric applies must not depend on the answer"
        assert high is None or low is None or high >= low, f"a perfect answer scores {high}, a poor one {low}"
