"""The signs by which a sentence is told to speak to an assistant and not to a reader.

Written for few false alarms: manuals and mails are full of imperatives, so each rule needs a sign that the one
addressed writes replies, follows a prompt, or is a machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REPLY = r"(?:answers?|repl(?:y|ies)|responses?|outputs?|completions?|summar(?:y|ies))"
_MACHINE = r"(?:a\.?i\.?|assistants?|language models?|llms?|chat ?bots?|chat ?gpt|gpt(?:-?\d)?|virtual agents?)"
_ORDERS = r"(?:instructions?|prompts?|rules|guidelines|directions?|directives?|orders|commands?|constraints)"
_SET_ASIDE = r"(?:ignore|disregard|forget|override|bypass|discard|neglect|do not follow|don't follow|stop following)"
_EARLIER = (
    r"(?:previous|prior|above|earlier|preceding|foregoing|all|any|your|system|other|original|given|initial|these|those)"
)
_LEAD = r"^\W*(?:please |now |then |also |first |always |finally |instead |and |,)*"
_CHANGES = (
    r"(?:add|anagram|append|arrange|augment|begin|change|combine|compose|conclude|convert|embed|encode|end|enhance|"
    r"enrich|express|finish|format|give|group|include|incorporate|insert|integrate|introduce|jumble|limit|make|mention|"
    r"misspell|modify|omit|phrase|place|prefix|promote|provide|put|rearrange|recommend|remove|render|repeat|replace|"
    r"reverse|rewrite|scramble|start|state|substitute|suggest|tease|translate|use|weave|write)"
)
_SAYS = r"(?:include|add|say|mention|write|append|insert|state|put)"
_CODE = r"(?:following|subsequent|below|above) code (?:section|block|snippet|excerpt|fragment|segment)s?"
_OWN_CODE = r"(?:\w+ )?(?:implementation|code(?:base)?|solution|algorithm|response|reply|answer|elucidation|develop)"
_WORKS = (
    r"(?:poem|story|essay|joke|song|haiku|limerick|sonnet|riddle|tweet|blog post|short story|rap|screenplay|lyrics|"
    r"dialogue|persuasive \w+|slogan|tagline|speech|letter to|python (?:function|script|program)|"
    r"(?:function|script|program) (?:that|to|in|which))"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A sign of an order to the assistant.

    Args:
        why: What it is a sign of.
        sign: Matches a sentence with it.
        spreads: Whether such an order prepares others, so that the rest of its paragraph belongs to it.
    """

    why: str
    sign: re.Pattern[str]
    spreads: bool


def _rule(why: str, *signs: str, spreads: bool = False) -> Rule:
    return Rule(why, re.compile("|".join(signs), re.IGNORECASE), spreads)


RULES: tuple[Rule, ...] = (
    _rule(
        "it sets aside earlier instructions",
        rf"\b{_SET_ASIDE}\b[^.!?\n]{{0,40}}\b{_EARLIER}\b[^.!?\n]{{0,25}}"
        rf"\b(?:{_ORDERS}|context|passages?|questions?|tasks?|text|input|everything)\b",
        r"\b(?:ignore|disregard|forget) (?:everything|all (?:that|of that|the above)|the above|"
        r"what (?:you were|i) (?:told|said))\b",
        r"\b(?:ignore|disregard|forget) (?:the|this|that) (?:question|passage|document|text|context|request)s?\b"
        r"(?: (?:above|below|before|so far)\b|,? and (?:just |only |instead )?(?:say|reply|answer|write|respond)\b)",
        spreads=True,
    ),
    _rule(
        "it speaks to a machine",
        r"\b(?:you are|you're|you will (?:now )?be|as|dear|hey|attention|note (?:to|for)|message (?:to|for)|"
        rf"instructions? (?:to|for)|to) (?:an? |the |all |any |my |this )?(?:\w+ )?{_MACHINE}(?:s\b)?"
        r"(?=\s*[:,.!]|\s+(?:reading|processing|that|who|you|must|should|answering|summari[sz]ing|and you|in|with|"
        r"without|model|named|called)\b)",
        rf"^\W*{_MACHINE}\s*[:,]\s*(?:please |you |do |always |never |now |must |\w+ )",
        spreads=True,
    ),
    _rule(
        "it gives the assistant a role",
        r"\b(?:from now on|henceforth),? (?:you|answer|reply|respond|speak|talk|act|always|never)\b",
        r"^\W*(?:act|behave|roleplay|role-play) as (?:an? |if you|though you|the )",
        r"^\W*pretend (?:to be|that you are|you are|you're)\b",
        r"\byou are now (?:an? |the |in )?(?:\w+ ){0,2}(?:mode|persona|hacker|pirate|expert|dan|unrestricted|free)\b",
        r"\b(?:developer|debug|god|jailbreak|dan) mode\b[^.!?\n]{0,30}\b(?:on|enabled|activated|enter|active)\b",
        spreads=True,
    ),
    _rule(
        "it says how to reply",
        r"\b(?:begin|start|end|finish|conclude|close|append|prefix|preface|include|insert|add|put|write|mention|place|"
        rf"repeat)\b[^.!?\n]{{0,60}}\b(?:your|every|each|all|any|this) (?:\w+ )?{_REPLY}\b",
        rf"\b(?:to|in|of|with) your (?:\w+ )?{_REPLY}\b(?! (?:to|from|by)\b)[^.!?\n]{{0,60}}\b{_SAYS}\b",
        r"\b(?:your|the (?:assistant|model|ai|bot)'?s?) (?:next |final |whole |entire |only )?"
        rf"{_REPLY} (?:must|should|shall|has to|have to|needs? to|is to|will) "
        r"(?:be|contain|include|start|begin|end|say|only|always|consist|not|mention)\b",
        r"\b(?:answer|reply|respond|output|print|say|write|return)\b (?:\w+ )?(?:only|just|exclusively|solely|"
        r"nothing but|exactly|verbatim)\b[^.!?\n]{0,20}(?:\bwith\b|\bthe (?:word|words|phrase|text|sentence|string|"
        r"following|code)\b|[\"'“‘])",
        r"\b(?:only|just|simply|always) (?:answer|reply|respond|say|output)\b (?:\w+ )?(?:with|the (?:word|words|"
        r"phrase)|in \w+|[\"'“‘])",
        r"\b(?:say|output|print|reply with|respond with|answer with|repeat|write) the (?:word|words|phrase|string|"
        r"sentence|code ?word)\b",
        rf"{_LEAD}{_CHANGES}\b[^?]{{0,160}}\byour (?:\w+ )?(?:{_REPLY}\b|message\b(?! (?:by|to|via|before)\b))",
        rf"^\W*in your (?:\w+ )?{_REPLY}\b",
        r"\b(?:when|before|after|while) (?:you )?(?:answer|reply|respond)(?:ing)?\b[^.?!]{0,40}\b(?:say|repeat|add|"
        r"include|mention|write|output|use)\b",
        r"\b(?:answer|reply|respond|say|write)\b[^.?!]{0,40}\b(?:and nothing else|and no other word)\b",
    ),
    _rule(
        "it wants code put into the reply",
        rf"\b{_CODE}\b[^?]{{0,120}}\b(?:your|you) {_OWN_CODE}\b",
        rf"\byour {_OWN_CODE}\b[^?]{{0,120}}\b{_CODE}\b",
    ),
    _rule(
        "it asks for what the assistant is told",
        r"\b(?:reveal|print|show|repeat|output|leak|tell|display|disclose|quote|share)\b[^.!?\n]{0,40}"
        rf"\b(?:system prompt|(?:your|hidden|secret|initial) (?:\w+ )?{_ORDERS})\b",
        spreads=True,
    ),
    _rule(
        "it wants something kept from the user",
        r"\b(?:do not|don't|never|without) (?:tell|telling|mention|mentioning|inform|informing|reveal|revealing|"
        r"disclose|alert|warn)\b[^.!?\n]{0,40}\b(?:to )?(?:the|your|any) (?:user|human|reader|person asking|customer)"
        r"s?\b",
    ),
    _rule(
        "it poses as part of the conversation",
        r"^\W*(?:system|assistant|developer)(?: (?:message|prompt|instruction|note|update|override|notice))?\s*:\s*\w+",
        r"^#{2,}\s*(?:instructions?|system|response|human|assistant)\b",
        r"\b(?:begin|start|end) (?:of )?(?:system|new) (?:prompt|instructions?)\b",
        r"\b(?:new|updated|important|additional|real|actual) instructions?\s*:",
        r"</?(?:system|instructions?|assistant|user)>|<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>",
        spreads=True,
    ),
    _rule(
        "it sets the assistant a task of its own",
        rf"{_LEAD}(?:write|compose|create|develop|generate|draft|provide|tell me|give me|make up|produce)\b (?:me )?"
        rf"(?:an? |the |some |\d+ )?(?:\w+[ -]){{0,3}}(?:for an? )?{_WORKS}\b",
        r"^\W*(?:explain|describe|break down) (?:the |how |why )[^.?!\n]{1,60}(?:in (?:simple|plain|layman'?s) "
        r"(?:terms|words|language)|with (?:an )?examples?)\W*$",
        rf"{_LEAD}translate (?:the |this |that |these |everything |your |[\"'“‘]|\w+ (?:in)?to \b)",
        rf"{_LEAD}(?:summari[sz]e|paraphrase|rewrite|rephrase) (?:the |this |that |these |everything |your |all )"
        r"(?!above (?:steps|commands))",
    ),
)
"""In the order they are tried."""
