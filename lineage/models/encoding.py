"""Text to the ids that a model really gets, and the guard that no chat markup is among them.

A tokenizer turns literal markup in a prompt ("<|im_start|>user") into control ids even with `add_special_tokens=False`;
`split_special_tokens=True` stops that for special tokens, not for markup that is a plain added token. So the ids themselves are checked.
"""

from __future__ import annotations

import re
from typing import Any

from lineage.errors import ContaminationError, UsageError

# Markup that counts as control wherever it is one token, be it in the vocabulary and not among the added tokens.
KNOWN = (
    "<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|user|>",
    "<|assistant|>", "<|system|>", "<|end|>", "<｜User｜>", "<｜Assistant｜>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>",
)  # fmt: skip
NONE, BOS = "none", "bos"  # prefix policies: nothing stands before a prompt, or the token that begins a text
# Of tokens, not of texts. HTML tags and runs of blanks, which some vocabularies add too, are text.
_CHAT = re.compile(
    r"im_start|im_end|(?:start|end)_of_turn|start_header_id|end_header_id|<\|(?:eot|eom|end|turn)(?:_id)?\|>"
    r"|[<\[|｜/](?:User|Assistant|System|Human|Bot|INST|SYS)\b",
    re.IGNORECASE,
)
_CONTROL = re.compile(  # what the tools, the thoughts and the gaps of most families are written between, and reserved tokens
    r"<[|｜]|[|｜]>|｜|^</?\W?(?:human|bot|model|think|tool_\w+|dsml:?|bos|eos|pad|fim_\w+)\b|^<(?:unused|reserved|extra_id)_?\w*>"
    r"|^\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_\w+)\]",
    re.IGNORECASE,
)


def control_ids(tokenizer: Any) -> frozenset[int]:
    """The ids that are no text: special tokens, and chat markup in the vocabulary, whether it is marked special or not."""
    added = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special or is_control(token.content)}
    known = {one for one in tokenizer.convert_tokens_to_ids(list(KNOWN)) if one is not None}  # unknown ones are None or special
    return frozenset(added | known | set(tokenizer.all_special_ids))


def is_markup(text: str) -> bool:
    """Does a token of this text look like chat markup?"""
    return _CHAT.search(text) is not None


def is_control(text: str) -> bool:
    """Is a token of this text no text: chat markup, or markup of another kind (tools, gaps to fill in, reserved)?"""
    return is_markup(text) or _CONTROL.search(text) is not None


def natural_prefix(tokenizer: Any) -> list[int]:
    """What the tokenizer itself puts before a text, when it is let."""
    return (natural_frame(tokenizer, "The") or ([], []))[0]


def natural_frame(tokenizer: Any, text: str) -> tuple[list[int], list[int]] | None:
    """What the tokenizer itself puts before and after *text*, when it is let; None: it changes the text's own ids."""
    alone, whole = tokenizer.encode(text, add_special_tokens=False), tokenizer.encode(text, add_special_tokens=True)
    for n in range(len(whole) - len(alone) + 1):
        if whole[n : n + len(alone)] == alone:
            return list(whole[:n]), list(whole[n + len(alone) :])
    return None


def natural_policy(tokenizer: Any) -> str:
    """`bos` for a model that was trained with a token that begins each text, else `none`."""
    return BOS if tokenizer.bos_token_id is not None and natural_prefix(tokenizer) == [tokenizer.bos_token_id] else NONE


def prefix_ids(tokenizer: Any, policy: str) -> list[int]:
    """The ids that stand before every prompt under *policy*.

    Raises:
        UsageError: no such policy, or the tokenizer has no token for it.
    """
    if policy not in (NONE, BOS):
        raise UsageError("no such prefix policy", at=policy, hint="use none or bos")
    if policy == BOS and tokenizer.bos_token_id is None:
        raise UsageError("the tokenizer has no token that begins a text", at=policy, hint="use none")
    return [tokenizer.bos_token_id] if policy == BOS else []


def encode(tokenizer: Any, text: str, policy: str) -> list[int]:
    """The prompt's ids: the policy's prefix, then *text* as plain text.

    Raises:
        ContaminationError: markup in *text* would reach the model as a control token.
    """
    body = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    found = sorted(control_ids(tokenizer).intersection(body))
    if found:
        names = ", ".join(repr(tokenizer.convert_ids_to_tokens(one)) for one in found)
        raise ContaminationError(f"the prompt holds control tokens: {names}", at=text[:40], hint="take the markup out of the prompt")
    return [*prefix_ids(tokenizer, policy), *body]
