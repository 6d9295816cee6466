"""The receipt of a stage that learns from preferences: what it trains, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from loresmith.errors import GateRefused
from loresmith.specs import MaskReceipt
from loresmith.values import Preference
from loresmith_plugins.engines.transformers.chat_format import ChatFormat
from loresmith_plugins.training.preference_rows import Pair, Thumb, is_empty, is_pair, prefers, reply_row
from loresmith_plugins.training.rows import receipt

FEW = 100
"""Fewer rows than this seldom teach a preference that holds beyond them."""
LOPSIDED, ENOUGH, COMPARED = 0.8, 10, 300
"""From this share on, one side being the longer one is a bias; below ENOUGH comparisons it may be chance."""


def pairs_receipt(
    pairs: Sequence[Pair], preferences: Sequence[Preference], held_out: Sequence[Preference], chat: ChatFormat
) -> MaskReceipt:
    """Say what pairs train, and what is doubtful about them.

    Args:
        pairs: The rows.
        preferences: What they were made from.
        held_out: Preferences never learnt from.
        chat: The format of the model.

    Raises:
        GateRefused: If there is nothing to learn.
    """
    if not pairs:
        raise GateRefused(
            f"there is nothing to learn: none of {len(preferences)} preferences is a pair of two different replies",
            "Add rows with prompt, chosen and rejected to data.preferences"
            + ("; rows with liked are for the method kto." if preferences else "."),
        )
    chosen, rejected = zip(*(pair.sides() for pair in pairs), strict=True)
    found = receipt([*chosen, *rejected], chat)
    warnings = [
        _left_out(preferences, lambda p: is_pair(p) and is_empty(p), "a chosen or rejected reply is empty"),
        _left_out(preferences, lambda p: not is_empty(p) and is_pair(p) and not prefers(p), "chosen equals rejected"),
        _left_out(preferences, lambda p: not is_pair(p), "one reply is judged, and no two are compared"),
        few("pairs", len(pairs)),
        _length_bias([len(p.chosen) - len(p.rejected) for p in pairs], ("chosen", "rejected"), f"{len(pairs)} pairs"),
        none_held_out(sum(prefers(p) and not is_empty(p) for p in held_out)),
    ]
    return replace(found, examples=len(pairs), warnings=tuple(filter(None, warnings)))


def thumbs_receipt(
    thumbs: Sequence[Thumb],
    preferences: Sequence[Preference],
    held_out: int,
    weights: tuple[float, float],
    chat: ChatFormat,
) -> MaskReceipt:
    """Say what single judgements train, and what is doubtful about them.

    Args:
        thumbs: The rows.
        preferences: What they were made from.
        held_out: Preferences never learnt from that can be looked at.
        weights: What a liked and a disliked reply count.
        chat: The format of the model.

    Raises:
        GateRefused: If there is nothing to learn, or nothing to tell apart.
    """
    liked = [len(thumb.reply) for thumb in thumbs if thumb.liked]
    disliked = [len(thumb.reply) for thumb in thumbs if not thumb.liked]
    if not liked or not disliked:
        raise GateRefused(
            f"there is nothing to tell apart: {len(liked)} replies are liked and {len(disliked)} are not, "
            f"of {len(preferences)} preferences",
            'Add rows with prompt, reply and "liked": true or false to data.preferences; it takes both kinds.',
        )
    found = receipt([reply_row(thumb.prompt, thumb.reply, thumb.place) for thumb in thumbs], chat)
    judged = any(not is_pair(p) for p in preferences)
    warnings = [
        _left_out(preferences, lambda p: is_empty(p) and is_pair(p) != judged, "a reply is empty"),
        _left_out(preferences, lambda p: not judged and not is_empty(p) and not prefers(p), "chosen equals rejected"),
        _left_out(preferences, lambda p: judged and is_pair(p), "two replies are compared, and others are judged"),
        "" if judged else _taken_apart(len(thumbs) // 2),
        few("judged replies", len(thumbs)),
        _out_of_balance(len(liked), len(disliked), *weights),
        _length_bias(
            [a - b for a in liked[:COMPARED] for b in disliked[:COMPARED]], ("liked", "disliked"), "comparisons"
        ),
        none_held_out(held_out),
    ]
    return replace(found, warnings=tuple(filter(None, warnings)))


def _out_of_balance(liked: int, disliked: int, liked_weight: float, disliked_weight: float) -> str:
    """Warn where the two kinds do not weigh alike: 1 to 4/3 is best (Ethayarajh et al., 2024, eq. 8)."""
    ratio = liked_weight * liked / (disliked_weight * disliked)
    if 0.99 <= ratio <= 1.34:
        return ""
    balanced = (
        f"liked_weight: {disliked_weight * disliked / liked:.2g}"
        if ratio < 1
        else f"disliked_weight: {liked_weight * liked / disliked:.2g}"
    )
    return f"{liked} replies are liked and {disliked} are not; to let both kinds weigh alike set `{balanced}`"


def _taken_apart(pairs: int) -> str:
    """Say that pairs were taken for judged replies."""
    return (
        f"no reply is judged by itself: each of {pairs} pairs gives a liked and a disliked one; dpo makes more of pairs"
    )


def few(what: str, count: int) -> str:
    """Warn of too few rows."""
    if count >= FEW:
        return ""
    return (
        f"{count} {what} are few: below {FEW} a preference is seldom learnt beyond the rows themselves; look at the "
        "figures of the held-out ones, and whether the few-shot or the rag rung would do"
    )


def none_held_out(count: int) -> str:
    """Warn where nothing can tell whether a preference was learnt."""
    if count:
        return ""
    return (
        "no preference is held out: nothing will tell whether the preference holds beyond the rows it was learnt from"
    )


def _left_out(preferences: Sequence[Preference], wrong: Callable[[Preference], bool], why: str) -> str:
    places = [p.place or p.id for p in preferences if wrong(p)]
    if not places:
        return ""
    shown = ", ".join(places[:5]) + (f" and {len(places) - 5} more" if len(places) > 5 else "")
    return f"left out, since {why}: {shown}"


def _length_bias(differences: Sequence[int], sides: tuple[str, str], what: str) -> str:
    """Warn where one side is nearly always the longer one: length is learnt before quality (arXiv:2310.03716).

    Args:
        differences: Tokens of the better reply more than of the worse one, for each comparison.
        sides: What the better and the worse reply are called.
        what: What is compared, as the user knows it.
    """
    share = sum((d > 0) + 0.5 * (d == 0) for d in differences) / max(1, len(differences))
    if len(differences) < ENOUGH or 1 - LOPSIDED < share < LOPSIDED:
        return ""
    mean = abs(sum(differences) / len(differences))
    return (
        f"length bias: the {sides[share < 0.5]} reply is the longer one in {max(share, 1 - share):.0%} of {what}, by "
        f"{mean:.0f} tokens on average; the model may learn the length. Add rows where it is the other way round"
    )
