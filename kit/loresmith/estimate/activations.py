"""What the backward pass needs of the forward pass, block by block.

Counted, not fitted: these are the tensors that autograd keeps for a decoder block in transformers, with SDPA attention,
as its saved-tensor hooks list them. The widths are those of `Shapes`, and each figure is for one token of one block:

    norms         its input in 32 bit, and one 32-bit number, for each norm
    attention     queries and result (the queries' width each), keys and values, one 32-bit number a head
    feed-forward  gated: the gate before and after its activation, and the other factor; plain: the width once
    adapters      what goes into each adapted layer, and its product with A (rank numbers)
    all weights   what goes into each linear layer, and what each norm made

Where adapters have the precision of the base, q, k and v share one copy of what goes into them, and so do gate and up.
Where the base is in 16 bit and the adapters in 32, PEFT casts it anew for each layer, which is most of what such a step
keeps.
"""

from __future__ import annotations

from collections.abc import Iterable

from loresmith.estimate.plan import Plan
from loresmith.estimate.shapes import Linear, Shapes

READS_NORMED = frozenset({"q_proj", "k_proj", "v_proj", "qkv_proj", "query_key_value", "c_attn"})
READS_NORMED_TOO = frozenset({"gate_proj", "up_proj", "gate_up_proj", "fc1", "c_fc", "w1", "w3"})
READS_PRODUCT = frozenset({"down_proj", "fc2", "w2"})


def activations(shapes: Shapes, plan: Plan, precision: int) -> int:
    """Return the bytes that are kept when the backward pass begins, and the gradients in work in one block.

    With gradient checkpointing a block keeps its input alone, and one block at a time is computed again.

    Args:
        shapes: The base.
        plan: How it trains.
        precision: Bytes of a number in the forward pass.
    """
    tokens = _tokens(plan)
    in_work = tokens * precision * (3 * shapes.feed_forward + 2 * shapes.hidden)
    if plan.checkpointing:
        between = shapes.layers * tokens * shapes.hidden * precision
        return round(between + _block(shapes, plan, precision)) + in_work
    return kept(shapes, plan, precision) + in_work


def kept(shapes: Shapes, plan: Plan, precision: int) -> int:
    """Return the bytes that autograd keeps of the blocks and of the last norm, without gradient checkpointing.

    With adapters the very first norm keeps no input, since nothing before it trains: as much as the last one keeps.
    """
    last_norm = shapes.hidden * (4 + precision) if plan.adapter == "none" else 0
    return round(shapes.layers * _block(shapes, plan, precision) + _tokens(plan) * last_norm)


def _tokens(plan: Plan) -> int:
    """Tokens of a batch: a shared beginning once, the rest of every row, padding included."""
    return plan.rows.shared + plan.batch * (plan.rows.length - plan.rows.shared)


def _block(shapes: Shapes, plan: Plan, precision: int) -> float:
    """Bytes that autograd keeps of one block."""
    norms = shapes.norms * (4 * shapes.hidden + 4)
    if shapes.normed_queries:
        norms += 4 * (shapes.queries + shapes.keys)
    feed_forward = precision * shapes.feed_forward * (3 if shapes.gated else 1)
    inputs = _inputs_of_all(shapes, precision) if plan.adapter == "none" else _inputs(shapes, plan, precision)
    return _tokens(plan) * (norms + feed_forward + inputs) + _attention(shapes, plan, precision)


def _attention(shapes: Shapes, plan: Plan, precision: int) -> int:
    """Bytes kept by attention; after a shared beginning keys are repeated for every query head, and there is a mask."""
    rows, length, shared = plan.batch, plan.rows.length, plan.rows.shared
    own = _tokens(plan) * (2 * shapes.queries * precision + 4 * shapes.heads)
    if not shared:
        return own + rows * length * 2 * shapes.keys * precision
    mask = rows * (length - shared) * length
    return own + precision * (shared * 2 * shapes.keys + rows * length * 2 * shapes.queries + mask)


def _inputs(shapes: Shapes, plan: Plan, precision: int) -> float:
    """Bytes a token that the adapted layers keep."""
    adapted = shapes.adapted(plan.targets)
    per_block = [(linear, linear.count / shapes.layers) for linear in adapted]
    low_rank = sum(share * plan.rank * plan.trained_bytes for _, share in per_block)
    wide = sum(share * linear.inputs for linear, share in per_block)
    if plan.variant == "lora_fa" and not plan.dropout:
        # A does not train, so what goes into it is not needed again.
        return low_rank
    if plan.variant == "dora":
        low_rank += sum(share * 2 * 4 * linear.outputs for linear, share in per_block)
    if plan.dropout:
        # What dropout let through, and a byte for what it did not.
        return low_rank + 5 * wide
    if precision != plan.trained_bytes:
        return low_rank + plan.trained_bytes * wide
    return low_rank + precision * _shared_inputs(shapes, adapted)


def _shared_inputs(shapes: Shapes, adapted: Iterable[Linear]) -> int:
    """Numbers a token that go into adapted layers, counted once where several layers read the same.

    What goes into the output of attention is attention's result, which is counted there.
    """
    names = {linear.name for linear in adapted}
    normed = sum(1 for readers in (READS_NORMED, READS_NORMED_TOO) if names & readers)
    return normed * shapes.hidden + (shapes.feed_forward if names & READS_PRODUCT else 0)


def _inputs_of_all(shapes: Shapes, precision: int) -> int:
    """Bytes a token that linear layers and norms keep where all weights train."""
    made_by_norms = shapes.norms * shapes.hidden
    if shapes.normed_queries:
        made_by_norms += shapes.queries + shapes.keys
    return precision * (2 * shapes.hidden + shapes.feed_forward + made_by_norms)
