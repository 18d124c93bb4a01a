"""End tokens of chat formats, at the end of a text. A text that is about such tokens keeps them."""

import re

_TOKENS = (
    *("<|im_end|>", "<|im_start|>"),  # ChatML: Qwen, Yi
    *("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|start_header_id|>"),  # Llama 3
    *("<|endoftext|>", "<|end|>", "<|return|>", "<|call|>"),  # GPT, Phi, gpt-oss
    *("</s>", "[/INST]"),  # Llama 2, Mistral
    *("<end_of_turn>", "<start_of_turn>", "<eos>"),  # Gemma
    *("<｜end▁of▁sentence｜>", "<|EOT|>"),  # DeepSeek  # noqa: RUF001 - the tokens' own letters
    *("<|user|>", "<|observation|>"),  # GLM
    *("<|END_OF_TURN_TOKEN|>", "<|END_RESPONSE|>", "<|END_TEXT|>"),  # Command
    *("<|close|>response<|sep|>", "<|close|>message<|sep|>"),  # Kimi K3
    *("<|end_of_turn|>", "<|endofturn|>", "<|eot|>", "[EOS]", "[e~["),  # OpenChat, HyperCLOVA, Llama 4, EXAONE, MiniMax
)
_TOKEN = re.compile("|".join(map(re.escape, _TOKENS)))
_AT_END = re.compile(rf"(?:(?:{_TOKEN.pattern})\s*)+\Z")
_LONGEST = max(map(len, _TOKENS))
_STARTS = re.compile(r"[<\[]")
_MOST_HELD_CHARS = 1_000
_OPENERS = {"</s>": re.compile(r"<s[ >]", re.IGNORECASE), "[/INST]": re.compile(r"\[INST\]")}
_OTHER_TOKENS = re.compile(
    r"<[|｜]|<(?:\w{1,20}[:_])?(?:(?:tool|function)_?call|invoke )|\[TOOL_CALLS\]|<function=",  # noqa: RUF001
    re.IGNORECASE,
)
_INTRODUCED = re.compile(r"""(?::[ \t]+|=[ \t]*|(?:^|[\s(\[:=])["'“‘«])\Z""")  # noqa: RUF001 - a colon, or a quotation mark that opens


def held_from(text: str) -> int:
    """Return where a part begins that may turn out to be end tokens; the length of `text` if there is none."""
    found = _STARTS.search(text, max(0, len(text) - _MOST_HELD_CHARS))
    while found is not None:
        rest = _after_tokens(text, found.start())
        if len(text) - rest < _LONGEST and any(token.startswith(text[rest:]) for token in _TOKENS):
            return found.start()
        found = _STARTS.search(text, max(rest, found.end()))
    return len(text)


def _after_tokens(text: str, at: int) -> int:
    """Return where the tokens and the whitespace that begin at `at` end."""
    while (token := _TOKEN.match(text, at)) is not None:
        at = token.end()
        while at < len(text) and text[at].isspace():
            at += 1
    return at


def end_tokens_at(text: str) -> tuple[int, frozenset[str]]:
    """Return where the end tokens at the end of `text` begin, and which they are; its length if there are none."""
    found = _AT_END.search(text, held_from(text))
    return (found.start(), frozenset(_TOKEN.findall(found.group()))) if found else (len(text), frozenset())


def is_about_tokens(before: str, tokens: frozenset[str]) -> bool:
    """Return whether the text before end tokens shows that they belong to the answer.

    It has one of them or another token of a model already, opens an element that they close, introduces them, or is
    within a code block.
    """
    if _OTHER_TOKENS.search(before):
        return True
    if any(token in before or (token in _OPENERS and _OPENERS[token].search(before)) for token in tokens):
        return True
    line = before[before.rfind("\n") + 1 :]
    return bool(_INTRODUCED.search(line)) or is_in_code(before)


def is_in_code(before: str) -> bool:
    """Return whether a text ends within a code block or a code span."""
    if before.count("```") % 2:
        return True
    return bool(before[before.rfind("\n") + 1 :].replace("```", "").count("`") % 2)
