"""A reward model: a language model whose head gives one number, read at the end of the reply's turn.

Stiennon et al., 2020, arXiv:2009.01325. How to use one that a `reward` stage left:

    load_reward(folder).score([[system, user, reply], ...])      # raw scores, higher is better; no unit, no zero point
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from loresmith.errors import ModelError, TrainError
from loresmith.files import read_json
from loresmith.values import Message
from loresmith_plugins.engines.transformers.chat_format import ChatFormat
from loresmith_plugins.engines.transformers.load import best_device, load_format, window_of
from loresmith_plugins.training.parity import load_served

ABOUT = "reward.json"
"""Written last into the folder of a reward model: what it was trained with, and how well it tells pairs apart."""


class RewardModel:
    """Scores replies.

    Args:
        model: A model with one label.
        chat: The format of its conversations.
        instructions: The system prompt it was trained with.
        batch: Conversations that are read at once.
    """

    def __init__(self, model: Any, chat: ChatFormat, instructions: str = "", batch: int = 16) -> None:
        self._model, self._chat, self.instructions, self._batch = model, chat, instructions, batch
        self._window = window_of(model.config)

    def score(self, conversations: Sequence[Sequence[Message]]) -> list[float]:
        """Return the raw score of the last reply of each conversation, in the order given.

        A conversation beyond the window loses its beginning.
        """
        return self.score_ids([self._chat.training_ids(messages)[0][-self._window :] for messages in conversations])

    @torch.no_grad()
    def score_ids(self, rows: Sequence[Sequence[int]]) -> list[float]:
        """Return the raw scores of conversations as token ids, each up to the end of its last turn."""
        model, found = self._model, [0.0] * len(rows)
        was_training = model.training
        model.eval()
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        for start in range(0, len(order), self._batch):
            some = order[start : start + self._batch]
            length = len(rows[some[-1]])
            pad = model.config.get_text_config().pad_token_id
            ids = torch.tensor([[*rows[i], *[pad] * (length - len(rows[i]))] for i in some], device=model.device)
            mask = torch.tensor([[1] * len(rows[i]) + [0] * (length - len(rows[i])) for i in some], device=model.device)
            scores = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, 0].float().tolist()
            for i, score in zip(some, scores, strict=True):
                found[i] = score
        model.train(was_training)
        return found


def load_reward(folder: Path) -> RewardModel:
    """Load the reward model that a `reward` stage left in its folder `reward`.

    Raises:
        ModelError: If there is none, or if it cannot be read.
    """
    from transformers import AutoModelForSequenceClassification

    if not (folder / ABOUT).is_file():
        raise ModelError(
            f'there is no reward model in "{folder}"',
            "A stage `method: reward` leaves one in the folder `reward` of its own folder.",
        )
    try:
        model: Any = AutoModelForSequenceClassification.from_pretrained(
            str(folder),
            dtype=torch.float32 if best_device().type == "cpu" else torch.bfloat16,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f'the reward model in "{folder}" cannot be loaded: {error}') from error
    return RewardModel(model.to(best_device()).eval(), load_format(folder), read_json(folder / ABOUT)["instructions"])


def scoring_model(base: Path, adapter: Path | None, chat: ChatFormat) -> Any:
    """Return the model a stage starts from with a new head of one number in the place of its vocabulary.

    The head's weights are drawn from N(0, 1 / (hidden + 1)), as in arXiv:2009.01325.

    Raises:
        TrainError: If models of this kind cannot score.
    """
    from transformers import AutoModelForSequenceClassification

    speaker = load_served(base, adapter)
    config = copy.deepcopy(speaker.config)
    config.num_labels = 1
    config.get_text_config().pad_token_id = padding_of(chat)
    try:
        with torch.device("meta"):
            model: Any = AutoModelForSequenceClassification.from_config(
                config, attn_implementation=speaker.config._attn_implementation
            )
    except ValueError as error:
        raise TrainError(f'models of the kind "{config.model_type}" cannot score', "Take another base.") from error
    setattr(model, model.base_model_prefix, getattr(speaker, speaker.base_model_prefix))
    hidden = config.get_text_config().hidden_size
    model.score = torch.nn.Linear(hidden, 1, bias=False, device=speaker.device, dtype=speaker.dtype)
    torch.nn.init.normal_(model.score.weight, std=(hidden + 1) ** -0.5)
    return model


def padding_of(chat: ChatFormat) -> int:
    """Return an id that ends no turn: what is scored is the last token that is not padding."""
    tokenizer = chat.tokenizer
    candidates = [tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.bos_token_id, *tokenizer.all_special_ids]
    free = [i for i in candidates if i is not None and i not in chat.eos_ids]
    return int(free[0]) if free else 0
