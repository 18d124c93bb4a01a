"""The sentences of stand-ins' answers, in the language of the question: English or Vietnamese."""

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """Texts in one language. From the second message of a conversation on, `long` and `short` contain `turn`."""

    long: str
    short: str
    turn: str
    called: str
    pictures: str
    one_picture: str


ENGLISH = Wording(
    long="""## A stand-in answers

I am the **stand-in for {name}** in Farthing's sandbox: no model was asked, no money was spent. {turn}You wrote:

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

Now pull {name}'s plug and ask again.
""",
    short=(
        "Hello! I am the **stand-in for {name}** in Farthing's sandbox. {turn}"
        "Ask me something longer to see lists, code and a table."
    ),
    turn="This is message {n} of our conversation. ",
    called="I am the **stand-in for {name}** in Farthing's sandbox. Your tool said:\n\n> {result}",
    pictures="I see {n} pictures.",
    one_picture="I see 1 picture.",
)
VIETNAMESE = Wording(
    long="""## Đây là câu trả lời giả lập

Tôi là **mô hình giả lập của {name}** trong sandbox của Farthing: không có mô hình nào được hỏi, không tốn đồng nào. \
{turn}Bạn vừa viết:

> {prompt}

Một câu trả lời thật có thể có:

- danh sách, chữ *nghiêng* và `mã`
- [liên kết](https://example.org/)
- giá tiền như $5, hoặc a < b

```python
def cheapest(offers):
    return min(offers, key=lambda offer: offer.price)
```

| nhà cung cấp | trạng thái |
|---|---|
| {name} | đang chạy |
| các bên khác | chỉ cách một cú nhấp |

Giờ hãy ngắt {name} rồi hỏi lại nhé.
""",
    short=(
        "Xin chào! Tôi là **mô hình giả lập của {name}** trong sandbox của Farthing. {turn}"
        "Hãy hỏi một câu dài hơn để xem danh sách, mã và bảng."
    ),
    turn="Đây là tin nhắn thứ {n} trong cuộc trò chuyện của chúng ta. ",
    called="Tôi là **mô hình giả lập của {name}** trong sandbox của Farthing. Công cụ của bạn trả về:\n\n> {result}",
    pictures="Tôi thấy {n} hình.",
    one_picture="Tôi thấy 1 hình.",
)
_LETTERS = re.compile("[ăđơư\u1ea0-\u1ef9]", re.IGNORECASE)
"""Letters that no other language in Latin script has."""
_WORDS = frozenset(
    ["xin", "chào", "là", "gì", "và", "có", "cho", "tôi", "không", "ai", "sao", "nào", "khi", "hãy", "kể", "viết"]
)
_LEAST_WORDS = 2


def wording(prompt: str) -> Wording:
    """Return the texts in the language of a prompt."""
    return VIETNAMESE if is_vietnamese(prompt) else ENGLISH


def is_vietnamese(text: str) -> bool:
    """Return True for text with Vietnamese letters, or with words that are Vietnamese together."""
    text = unicodedata.normalize("NFC", text)
    if _LETTERS.search(text):
        return True
    return len(_WORDS.intersection(re.findall(r"\w+", text.lower()))) >= _LEAST_WORDS
