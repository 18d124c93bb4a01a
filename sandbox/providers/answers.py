"""What a stand-in says: that it is one, and a little of everything that has to be shown well."""

from collections.abc import Iterator

NAMES = {
    "deepseek": "DeepSeek",
    "gemini": "Gemini",
    "openrouter": "OpenRouter",
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "groq": "Groq",
    "mistral": "Mistral",
}

_LONG = """## A stand-in answers

I am the **stand-in for {name}** in Farthing's sandbox: no model was asked, no money was spent. You wrote:

> {prompt}

What a real answer may hold:

- a list, with *emphasis* and `code`
- a [link](https://example.org/)
- prices such as $5 or a < b

```python
def cheapest(offers):
    return min(offers, key=lambda offer: offer.price)
```

| provider | state |
|---|---|
| {name} | up |
| the others | one click away |

Now pull a plug on the right and ask again.
"""
_SHORT = (
    "Hello! I am the **stand-in for {name}** in Farthing's sandbox. "
    "Ask me something longer to see lists, code and a table."
)
SHORT_PROMPT_CHARS = 12


def answer(provider: str, prompt: str, images: int = 0) -> str:
    name = NAMES.get(provider, provider)
    template = _SHORT if len(prompt) <= SHORT_PROMPT_CHARS else _LONG
    said = template.format(name=name, prompt=" ".join(prompt.split())[:160])
    return said + (f"\n\nI see {images} picture(s)." if images else "")


def words(text: str, most: int) -> Iterator[str]:
    """The text piece by piece, at most so many tokens of it."""
    for number, piece in enumerate(_pieces(text)):
        if number >= most:
            return
        yield piece


def _pieces(text: str) -> Iterator[str]:
    start = 0
    for index, char in enumerate(text):
        if char == " " and index > start:
            yield text[start : index + 1]
            start = index + 1
    if start < len(text):
        yield text[start:]


def count(text: str) -> int:
    """A stand-in's tokens: four bytes each."""
    return -(-len(text.encode()) // 4)
