"""The endpoint's engine in a chain, as a judge, and what it takes no part in."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from loresmith.errors import ModelError
from loresmith.specs import ChoosingEngine, EngineSpec
from loresmith.values import Message, Weights
from loresmith_plugins.engines import openai
from loresmith_plugins.engines.openai import OpenAIOptions
from loresmith_plugins.engines.openai.chat_model import OpenAIChatModel
from loresmith_plugins.engines.openai.choosing import option_log_probabilities
from scripted_endpoint import Fault, ScriptedEndpoint

Make = Callable[..., OpenAIChatModel]


def asked(question: str = "A or B?") -> list[Message]:
    return [{"role": "system", "content": "You judge."}, {"role": "user", "content": question}]


def test_it_answers_in_a_chain_and_says_what_that_cost(make: Make) -> None:
    from langchain_core.language_models import BaseChatModel

    with ScriptedEndpoint("one two three four") as endpoint:
        engine = make(endpoint, cache=False)
        assert isinstance(engine, BaseChatModel)
        found = engine.invoke([("system", "You judge."), ("user", "A or B?"), ("ai", "A."), ("user", "Sure?")])
        assert found.text == "one two three four"
        assert found.usage_metadata == {"input_tokens": 7, "output_tokens": 4, "total_tokens": 11}
        assert endpoint.requests[0].messages == [
            {"role": "system", "content": "You judge."}, {"role": "user", "content": "A or B?"},
            {"role": "assistant", "content": "A."}, {"role": "user", "content": "Sure?"},
        ]  # fmt: skip
        assert "".join(piece.text for piece in engine.stream("A?", stop=["three"])) == "one two "
        assert engine.invoke("A?", stop=[" three"]).text == "one two"


def test_a_request_says_what_is_wanted_and_nothing_else(make: Make) -> None:
    marked: list[Message] = [
        {"role": "user", "content": "When?"},
        {"role": "assistant", "content": "At nine.", "trained": False},
        {"role": "user", "content": "Sure?"},
    ]
    with ScriptedEndpoint() as endpoint:
        extra = {"max_tokens": None, "max_completion_tokens": 9, "user": "desk"}
        make(endpoint, max_tokens=9).complete([marked])
        make(endpoint, max_tokens=9, extra=extra).complete([marked])
    plain = [{"role": m["role"], "content": m["content"]} for m in marked]
    wanted = {"model": "scripted", "messages": plain, "max_tokens": 9, "temperature": 0}
    assert endpoint.requests[0].body == wanted
    del wanted["max_tokens"]
    assert endpoint.requests[1].body == wanted | {"max_completion_tokens": 9, "user": "desk"}


def test_it_judges_by_the_likelihood_of_first_tokens(make: Make) -> None:
    def likely(messages: Any) -> dict[str, float]:
        best, other = ("A", "B") if "first" in messages[-1]["content"] else ("B", "A")
        return {best: math.log(0.5), f" {best}": math.log(0.2), other: math.log(0.25), "The": math.log(0.01)}

    with ScriptedEndpoint(likely=likely) as endpoint:
        engine = make(endpoint)
        assert isinstance(engine, ChoosingEngine)
        found = engine.log_probabilities([asked("first?"), asked("second?")], ["A", "B"])
        assert found[0] == pytest.approx([math.log(0.7), math.log(0.25)])
        assert found[1] == pytest.approx([math.log(0.25), math.log(0.7)])
        assert engine.log_probabilities([asked("first?")], ["B", "A"])[0] == found[0][::-1]
        assert len(endpoint.requests) == 2
        body = endpoint.requests[0].body
        assert (body["logprobs"], body["top_logprobs"], body["max_tokens"]) == (True, 20, 1)


@pytest.mark.parametrize(
    "body",
    ["", '"logprobs": null, ', '"logprobs": {"content": null}, ', '"logprobs": {"content": [{"token": "A"}]}, '],
)
def test_a_judge_that_tells_no_likelihood_is_refused(make: Make, body: str) -> None:
    answer = f'{{"choices": [{{{body}"message": {{"content": "A"}}}}]}}'
    with ScriptedEndpoint(faults=[Fault(body=answer)]) as endpoint:
        with pytest.raises(ModelError, match='"scripted" tells no log-probabilities'):
            make(endpoint).log_probabilities([asked()], ["A", "B"])
        assert len(endpoint.requests) == 1


def test_an_option_is_begun_by_its_first_piece_or_by_itself() -> None:
    first = {"Yes": -1.0, " N": -2.0, "Nobody": -0.1, "\n": -3.0, "Yes,": -4.0}
    yes, no = option_log_probabilities(first, ["Yes", "No"])
    assert yes == pytest.approx(math.log(math.exp(-1) + math.exp(-4)))
    assert no == pytest.approx(-2.0)


def test_an_option_that_was_not_told_gets_no_more_than_what_is_left() -> None:
    a, b = option_log_probabilities({"A": math.log(0.9), "The": math.log(0.06)}, ["A", "B"])
    assert (a, b) == pytest.approx((math.log(0.9), math.log(0.04)))
    assert option_log_probabilities({"A": math.log(0.5), "The": math.log(0.01)}, ["B"]) == pytest.approx(
        [math.log(0.01)]
    )
    assert option_log_probabilities({"A": 0.0}, ["B"])[0] < -20


def test_options_with_a_common_first_token_are_refused() -> None:
    with pytest.raises(ModelError, match='"Yes, sir" and "Yes, madam" both begin with "Yes"'):
        option_log_probabilities({"Yes": -0.1}, ["Yes, sir", "Yes, madam"])


def test_it_takes_no_weights_but_its_own(make: Make) -> None:
    engine = make("http://127.0.0.1:9/v1")
    engine.use(Weights())
    for weights in (Weights(adapter=Path("an/adapter")), Weights(model=Path("a/model"))):
        with pytest.raises(
            ModelError, match=r'cannot generate with "an?/(adapter|model)": the model "scripted" at http'
        ):
            engine.use(weights)


def test_its_identity_is_its_place_and_what_shapes_replies(make: Make) -> None:
    def identity(**options: Any) -> str:
        return make("http://127.0.0.1:9/v1", **options).identity

    assert identity() == identity(concurrency=9, cache=False)
    others = {identity(), identity(model="b"), identity(max_tokens=7), identity(extra={"a": 1})}
    assert len(others) == 4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "api.example.com/v1"}, "not a URL"),
        ({"url": "ftp://example.com"}, "not a URL"),
        ({"url": "https://me:secret@example.com/v1"}, "belongs into an environment variable"),
        ({"url": "https://example.com/v1?key=secret"}, "belongs into an environment variable"),
        ({"key_env": "sk-abc"}, "not the name of an environment variable"),
        ({"max_cost": 1}, "needs price_in and price_out"),
        ({"max_cost": 1, "price_in": 1}, "needs price_in and price_out"),
        ({"key": "sk-abc"}, "Extra inputs"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        OpenAIOptions.model_validate({"url": "https://example.com/v1", "model": "m", **options})


def test_the_options_of_a_recipe_reach_the_endpoint() -> None:
    specs: list[EngineSpec] = []
    openai.register_engines(specs.append)
    with ScriptedEndpoint("At nine.") as endpoint:
        options = specs[0].options.model_validate({"url": f"{endpoint.url}/", "model": "small", "max_tokens": 3})
        assert specs[0].build(options, Path("not/used")).complete([asked()])[0].text == "At nine."
    assert (endpoint.requests[0].body["model"], endpoint.requests[0].body["max_tokens"]) == ("small", 3)


def test_the_page_on_endpoints_names_every_option_with_default_and_meaning() -> None:
    page = Path(__file__).parents[5] / "docs" / "how-to" / "use-an-endpoint.md"
    rows = re.findall(r"(?m)^\| `(\w+)` \| (.+?) \| (.+) \|$", page.read_text(encoding="utf-8"))
    assert rows == [
        (name, "required" if field.is_required() else f"`{json.dumps(field.default)}`", field.description)
        for name, field in OpenAIOptions.model_fields.items()
    ]
