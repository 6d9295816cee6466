"""Memory of a training stage, by part, in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loresmith.estimate.activations import activations, kept
from loresmith.estimate.plan import Plan, without_sharing
from loresmith.estimate.shapes import Shapes

NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes of a weight in NF4 with double quantization: four bits, for every 64 weights a byte that scales them, and for
every 256 of those one 32-bit number. QLoRA: Dettmers et al., 2023, arXiv:2305.14314."""

HEAP = 1.3
HEAP_COMPUTED_TWICE = 0.7
PIECEMEAL = 1.6
"""The heap of a CPU over what blocks keep, and over what they would keep where they are computed twice.

glibc puts what is kept between what is only worked with; of those places, once free, many are a little too small for
the next tensor, since aligned memory is asked for with room to spare. Measured on the default model with the
allocator's settings of the command line, at batches of 4 and 8. Logits are too large for it, and
not concerned. Adapted layers that are not computed in one piece (a base in 4 bit, dropout, DoRA) work with more, and
the heap grows 1.6 times further: measured in 4 bit, with 96 and with 600 tokens in a batch.
"""

COPIES_OF_LOGITS = 3
"""At the top of the backward pass: the log-probabilities, their gradient, and that of the logits."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a stage by part.

    `peak` is less than their sum where all weights train on an accelerator: gradients come as activations go.

    Args:
        weights: The base, and further models that the method holds.
        adapters: The low-rank weights.
        activations: What the backward pass needs, and what one block works with.
        trainable: Parameters that train.
    """

    weights: int
    adapters: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    peak: int
    trainable: int


def adapter_parameters(shapes: Shapes, rank: int, targets: Sequence[str] | None = None, variant: str = "plain") -> int:
    """Return the parameters of low-rank adapters: rank · (inputs + outputs) for each layer.

    LoRA (Hu et al., 2021, arXiv:2106.09685): A (rank, inputs) and B (outputs, rank). DoRA (Liu et al., 2024,
    arXiv:2402.09353) adds a magnitude for each output.
    """
    return sum(
        linear.count * (rank * (linear.inputs + linear.outputs) + (linear.outputs if variant == "dora" else 0))
        for linear in shapes.adapted(targets)
    )


def memory_of(shapes: Shapes, plan: Plan, precision: int, beside: int = 0) -> Memory:
    """Return what a stage takes beside the program itself.

    Args:
        shapes: The base.
        plan: How it trains.
        precision: Bytes of a number on the device: 4 on a CPU, 2 on an accelerator.
        beside: Parameters of further models in memory.
    """
    plan, on_cpu = without_sharing(plan), precision == 4
    if plan.adapter == "none":
        precision = plan.trained_bytes
    whole = plan.adapter == "none"
    low_rank = 0 if whole else adapter_parameters(shapes, plan.rank, plan.targets, plan.variant)
    trainable = shapes.parameters if whole else _trainable(shapes, plan, low_rank)
    # AdamW keeps two moments of every weight, as wide as the weight; the paged one of QLoRA keeps them in 8 bit.
    optimizer = trainable * 2 * (1 if plan.adapter == "qlora" and not on_cpu else plan.trained_bytes)
    weights = _weights(shapes, plan, precision) + beside * (4 if on_cpu else 2)
    gradients = trainable * plan.trained_bytes
    needed = activations(shapes, plan, precision)
    logits = _logits(shapes, plan, precision)
    heap = _heap(shapes, plan, needed, precision) if on_cpu else needed
    # Computed twice, blocks fill the heap after the logits are gone.
    forward = max(heap, needed + logits) if plan.checkpointing else heap + logits
    unpacked = _unpacked(shapes, plan, precision)
    adapters = low_rank * plan.trained_bytes
    fixed = weights + adapters + optimizer
    return Memory(
        weights=weights,
        adapters=adapters,
        gradients=gradients,
        optimizer=optimizer,
        activations=heap + unpacked,
        logits=logits,
        peak=fixed + unpacked + _in_a_step(shapes, plan, gradients, forward, on_cpu=on_cpu),
        trainable=trainable,
    )


def _heap(shapes: Shapes, plan: Plan, needed: int, precision: int) -> int:
    """Bytes that the heap of a CPU grows to for the blocks."""
    in_pieces = plan.adapter == "qlora" or (plan.adapter == "lora" and (plan.dropout or plan.variant == "dora"))
    more = PIECEMEAL if in_pieces else 1.0
    if plan.checkpointing:
        return max(needed, round(more * HEAP_COMPUTED_TWICE * kept(shapes, plan, precision)))
    return round(more * HEAP * needed)


def _in_a_step(shapes: Shapes, plan: Plan, gradients: int, forward: int, *, on_cpu: bool) -> int:
    """Bytes that come and go in a step.

    On an accelerator gradients take the place of activations, unless they were there before. The heap of a CPU has few
    places of their size: there, as measured with all weights of the default model, they come on top.
    """
    if plan.adapter != "none":
        return forward + gradients
    # The head's gradient is the first to come; a tied embedding adds one of its own to it at the end.
    head = shapes.embedding * plan.trained_bytes
    if on_cpu or plan.accumulates:
        return forward + gradients + (head if shapes.tied else 0)
    return max(forward + head, gradients + (head if shapes.tied else 0))


def _trainable(shapes: Shapes, plan: Plan, low_rank: int) -> int:
    """Parameters of the adapters that train. LoRA-FA (Zhang et al., 2023, arXiv:2308.03303) freezes A."""
    if plan.variant != "lora_fa":
        return low_rank
    return low_rank - sum(plan.rank * linear.inputs * linear.count for linear in shapes.adapted(plan.targets))


def _weights(shapes: Shapes, plan: Plan, precision: int) -> int:
    if plan.adapter == "qlora":
        return round(shapes.in_blocks * NF4) + shapes.others * precision
    return shapes.parameters * precision


def _unpacked(shapes: Shapes, plan: Plan, precision: int) -> int:
    """Bytes of the widest layer, which a step unpacks one layer at a time."""
    if plan.adapter != "qlora":
        return 0
    return max((linear.inputs * linear.outputs for linear in shapes.linears), default=0) * precision


def _logits(shapes: Shapes, plan: Plan, precision: int) -> int:
    if plan.logits == "none":
        return 0
    of_row = plan.rows.length if plan.logits == "all" else plan.rows.trained
    copy = 0 if precision == 4 else precision
    return round(plan.batch * of_row * shapes.vocabulary * (4 * COPIES_OF_LOGITS + copy))
