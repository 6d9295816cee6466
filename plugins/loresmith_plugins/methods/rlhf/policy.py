"""The model that is trained, and the same model as the stage found it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.nn import functional

from loresmith.specs import StageContext
from loresmith.values import Sampling
from loresmith_plugins.engines.transformers.decode import Decoder
from loresmith_plugins.engines.transformers.load import load_format
from loresmith_plugins.methods.rlhf import RlhfOptions
from loresmith_plugins.training.adapters import compute_activations_twice, trainable, trainable_model
from loresmith_plugins.training.loss import Batch, TrainedTokenLoss
from loresmith_plugins.training.low_rank import fuse
from loresmith_plugins.training.rows import Row
from loresmith_plugins.training.sampled_prompts import CACHED_TOKENS, Prompt


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply drawn to a prompt: its ids with the end of turn, where it came to one, and its text without."""

    prompt: Prompt
    ids: tuple[int, ...]
    text: str

    @property
    def row(self) -> Row:
        """The reply behind its prompt; its own tokens are the trained ones."""
        read = self.prompt.ids
        return Row((*read, *self.ids), (False,) * len(read) + (True,) * len(self.ids), self.prompt.example.place)


class TokenScores(TrainedTokenLoss):
    """Log-probabilities of the trained tokens one by one, at a temperature, and the states they come from."""

    temperature = 1.0

    def tokens(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Return log-probabilities in nats (tokens,) and last hidden states (tokens, width), row after row."""
        if self._parts:
            backbone, head = self._parts
            states = self._hidden(backbone, batch)[batch.targets[:, batch.prefix if self._shares(batch) else 0 :]]
            logits = head(states)
        else:
            out = self._model(input_ids=batch.ids, use_cache=False, output_hidden_states=True)
            states, logits = (part[:, :-1][batch.targets] for part in (out.hidden_states[-1], out.logits))
        chosen = batch.ids[:, 1:][batch.targets]
        log_p = -functional.cross_entropy(logits.float() / self.temperature, chosen, reduction="none")
        return log_p, states.float()


class Policy:
    """A model with an adapter that trains.

    Dropout is off: what sampled a reply and what learns from it must be the same model.

    Args:
        options: The adapter, and how replies are drawn.
        context: The weights the stage starts from.
    """

    def __init__(self, options: RlhfOptions, context: StageContext) -> None:
        self.model = trainable_model(context.base, options, context.adapter).eval()
        for module in self.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        if options.gradient_checkpointing:
            compute_activations_twice(self.model)
        self.weights = trainable(self.model)
        self._found = {name: weight.detach().clone() for name, weight in self.weights.items()}
        fuse(self.model)
        self.chat, self.options = load_format(context.base), options
        self.scores = TokenScores(self.model, share_prefix=not options.gradient_checkpointing)
        self.scores.temperature = options.temperature

    @contextmanager
    def as_found(self) -> Iterator[None]:
        """Let the model be as the stage found it: the reference."""
        now = {name: weight.data for name, weight in self.weights.items()}
        for name, weight in self.weights.items():
            weight.data = self._found[name]
        try:
            yield
        finally:
            for name, weight in self.weights.items():
                weight.data = now[name]

    def draw(self, prompts: Sequence[Prompt], seed: int) -> list[Reply]:
        """Return a reply to each prompt, in order; a prompt that comes several times gets several."""
        sampling = Sampling(temperature=self.options.temperature, seed=seed)
        was_training = self.model.training
        self.model.eval()
        decoder = Decoder(self.model, self.chat.eos_ids, self.options.reply_tokens, CACHED_TOKENS, sampling)
        rows = decoder.decode([list(prompt.ids) for prompt in prompts])
        self.model.train(was_training)
        texts = self.chat.tokenizer.batch_decode([row.reply for row in rows], skip_special_tokens=True)
        return [
            Reply(prompt, (*row.reply, *(() if row.end is None else (row.end,))), text.strip())
            for prompt, row, text in zip(prompts, rows, texts, strict=True)
        ]

    @torch.no_grad()
    def log_probabilities(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        """Return for each row the log-probabilities (nats) of its trained tokens, each of shape (tokens,)."""
        found: list[torch.Tensor] = []
        for batch in self.batches(rows):
            found += self.scores.tokens(batch)[0].split(batch.targets.sum(dim=1).tolist())
        return found

    def batches(self, rows: Sequence[Row]) -> Iterator[Batch]:
        """Yield the rows in order, as many together as `batch` prompts have replies."""
        pad, together = min(self.chat.eos_ids), self.options.batch * self.options.samples
        for start in range(0, len(rows), together):
            yield Batch.of(rows[start : start + together], pad, self.model.device)
