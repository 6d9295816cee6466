"""The engine drops into anybody's chain, and refuses what it cannot read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import DataError
from loresmith.values import Message, Weights
from loresmith_plugins.engines.transformers import TransformersOptions
from loresmith_plugins.engines.transformers.chat_model import TransformersChatModel

QUESTIONS = ("When does the kiosk open?", "May I bring my dog?", "Café 中文 🚢?")


@pytest.fixture(scope="module")
def engine(chat_model: Path) -> TransformersChatModel:
    return TransformersChatModel.load(chat_model, max_tokens=24, batch_tokens=4096)


def asked(question: str) -> list[Message]:
    return [{"role": "system", "content": "You answer."}, {"role": "user", "content": question}]


def chain(engine: TransformersChatModel) -> Any:
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    return ChatPromptTemplate([("system", "You answer."), ("user", "{question}")]) | engine | StrOutputParser()


def test_it_answers_in_a_chain_what_it_completes(engine: TransformersChatModel) -> None:
    from langchain_core.language_models import BaseChatModel

    assert isinstance(engine, BaseChatModel)
    for question in QUESTIONS:
        (completion,) = engine.complete([asked(question)])
        assert completion.text
        assert chain(engine).invoke({"question": question}) == completion.text
        assert "".join(chain(engine).stream({"question": question})).strip() == completion.text


def test_a_chain_learns_what_a_reply_cost(engine: TransformersChatModel) -> None:
    (completion,) = engine.complete([asked(QUESTIONS[0])])
    usage = engine.invoke([("system", "You answer."), ("user", QUESTIONS[0])]).usage_metadata
    assert usage is not None
    assert (usage["input_tokens"], usage["output_tokens"]) == (completion.tokens_in, completion.tokens_out)


def test_earlier_turns_are_read_in_a_chain_too(engine: TransformersChatModel) -> None:
    turns: list[Message] = [
        {"role": "user", "content": "When?"},
        {"role": "assistant", "content": "At nine."},
        {"role": "user", "content": "And on Sunday?"},
    ]
    (completion,) = engine.complete([turns])
    assert engine.invoke([("user", "When?"), ("ai", "At nine."), ("user", "And on Sunday?")]).text == completion.text
    assert completion.text != engine.complete([turns[-1:]])[0].text


def test_a_stop_word_ends_the_reply_alike_in_invoke_and_stream(engine: TransformersChatModel) -> None:
    prompt = [("user", QUESTIONS[0])]
    whole = "".join(piece.text for piece in engine.stream(prompt))
    assert len(whole.strip()) > 14
    words = [whole[5:6], whole[5:8], whole[9:14]]
    for word in words:
        expected = whole[: whole.index(word)]
        assert engine.invoke(prompt, stop=[word]).text == expected.lstrip()
        assert "".join(piece.text for piece in engine.stream(prompt, stop=[word])) == expected


def test_streamed_pieces_are_whole_characters_and_make_the_reply(engine: TransformersChatModel) -> None:
    for question in QUESTIONS:
        pieces = list(engine.stream_text(asked(question)))
        assert len(pieces) > 1
        assert "".join(pieces).strip() == engine.complete([asked(question)])[0].text


def test_a_reply_cut_off_within_a_character_streams_as_it_completes(chat_model: Path) -> None:
    cut = 0
    for max_tokens in range(1, 16):
        engine = TransformersChatModel.load(chat_model, max_tokens=max_tokens, batch_tokens=4096)
        text = engine.complete([asked(QUESTIONS[1])])[0].text
        assert "".join(engine.stream_text(asked(QUESTIONS[1]))).strip() == text
        cut += text.endswith("\N{REPLACEMENT CHARACTER}")
    assert cut


def test_completions_say_what_was_read_and_written(engine: TransformersChatModel) -> None:
    seen: list[tuple[int, int]] = []
    completions = engine.complete([asked(question) for question in QUESTIONS], lambda *at: seen.append(at))
    assert seen[-1] == (3, 3)
    for question, completion in zip(QUESTIONS, completions, strict=True):
        # A token is a character or less here, but for a line break with the letter behind it.
        assert len(engine.render(asked(question)).encode()) > completion.tokens_in > len(question)
        assert 0 < completion.tokens_out <= 24
        assert completion.finished == (completion.tokens_out < 24) or completion.tokens_out == 24
    assert engine.complete([]) == []


def test_prompts_beyond_the_window_are_refused_all_by_number(engine: TransformersChatModel) -> None:
    prompts = [asked("short"), asked("long " * 100), asked("short"), asked("longer " * 100)]
    with pytest.raises(DataError) as refused:
        engine.complete(prompts)
    assert [problem.key for problem in refused.value.problems] == ["question 2", "question 4"]
    assert "the model reads 488 and keeps 24 to reply" in refused.value.problems[0].what
    assert refused.value.exit_code == 2
    with pytest.raises(DataError):
        list(engine.stream_text(prompts[1]))


def test_a_prompt_that_just_fits_is_answered(chat_model: Path) -> None:
    engine = TransformersChatModel.load(chat_model, max_tokens=2, batch_tokens=4096)
    used = engine.complete([asked("x")])[0].tokens_in
    assert engine.complete([asked("x" * (1 + 510 - used))])[0].tokens_in == 510
    with pytest.raises(DataError):
        engine.complete([asked("x" * (2 + 510 - used))])


def test_an_adapter_changes_the_replies_and_can_be_taken_off(chat_model: Path, adapters: tuple[Path, Path]) -> None:
    engine = TransformersChatModel.load(chat_model, max_tokens=24, batch_tokens=4096)

    def replies(adapter: Path | None) -> list[str]:
        engine.use(Weights(adapter=adapter))
        return [completion.text for completion in engine.complete([asked(question) for question in QUESTIONS])]

    bare, one, two = replies(None), replies(adapters[0]), replies(adapters[1])
    assert len({tuple(bare), tuple(one), tuple(two)}) == 3
    assert replies(adapters[0]) == one
    assert replies(None) == bare


def test_its_identity_hangs_on_weights_and_longest_reply(chat_model: Path, adapters: tuple[Path, Path]) -> None:
    def engine(max_tokens: int) -> TransformersChatModel:
        return TransformersChatModel.load(chat_model, max_tokens=max_tokens, batch_tokens=4096)

    one = engine(24)
    before = one.identity
    one.use(Weights(adapter=adapters[0]))
    assert one.identity == before == engine(24).identity
    assert engine(25).identity != before


def test_its_weights_are_read_for_its_identity_once(chat_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TransformersChatModel.load(chat_model, max_tokens=8, batch_tokens=1024)
    known = engine.identity

    def read(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("loresmith.files.file_hash", read)
    assert engine.identity == known
    assert TransformersChatModel.load(chat_model, max_tokens=8, batch_tokens=1024).identity == known


def test_the_options_of_a_recipe_reach_the_decoding(chat_model: Path) -> None:
    from loresmith.host import PluginHost, installed_plugins
    from loresmith.specs import EngineSpec

    host = PluginHost(points=[point for point in installed_plugins() if point.name == "transformers"])
    spec = host.registry.get(EngineSpec, "transformers")
    engine = spec.build(TransformersOptions(max_tokens=3), chat_model)
    assert engine.complete([asked("When?")])[0].tokens_out <= 3
