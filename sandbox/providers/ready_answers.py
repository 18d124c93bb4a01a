"""Prepared answers to the questions that the bot's greeting and the page suggest, so that a first trial looks real.

Each names the stand-in that gives it, because no model was asked.
"""

_LABEL = "*A ready answer of the stand-in for {name}: no model was asked.*\n\n"
_LABEL_VI = "*Câu trả lời soạn sẵn của mô hình giả lập {name}: không có mô hình nào được hỏi.*\n\n"

_SKY = (
    _LABEL
    + """\
Sunlight looks white, but it is a mix of all colours. On its way to you it meets the molecules of the air, which are \
far smaller than the waves of light. Such small things scatter **short waves much more than long ones**: blue light \
about five times as much as red.

So the red and yellow light comes straight from the sun, while the blue is thrown about and reaches your eye from \
every part of the sky. At sunset the light crosses far more air: most of the blue is scattered away, and red is left.
"""
)
_SKY_VI = (
    _LABEL_VI
    + """\
Ánh sáng mặt trời trông có màu trắng nhưng là hỗn hợp của mọi màu. Khi xuyên qua khí quyển, nó gặp các phân tử khí \
nhỏ hơn nhiều so với bước sóng ánh sáng. Những hạt nhỏ như vậy **tán xạ bước sóng ngắn mạnh hơn bước sóng dài**: ánh \
sáng xanh mạnh gấp khoảng năm lần ánh sáng đỏ.

Vì thế ánh sáng đỏ và vàng đi thẳng tới mắt bạn, còn ánh sáng xanh bị hắt ra khắp nơi và đến từ mọi phía của bầu \
trời. Lúc hoàng hôn, ánh sáng đi qua lớp khí dày hơn: màu xanh bị tán xạ gần hết và chỉ còn màu đỏ.
"""
)
_INTEREST = (
    _LABEL
    + """\
Imagine a money box that pays you for waiting: each year it adds **10 coins for every 100** in it. The trick is that \
next year it also pays for the coins that it added before. That is *compound* interest.

| year | coins at the start | added | coins at the end |
|---:|---:|---:|---:|
| 1 | 100 | 10 | 110 |
| 2 | 110 | 11 | 121 |
| 3 | 121 | 12 | 133 |
| 10 | 233 | 23 | 256 |

You never put in another coin, and still the box grows faster every year.
"""
)
_FASTER = (
    _LABEL
    + """\
Because each year's interest is counted on a **larger pile** than the year before: the coins that were added earn \
coins too. In the first year 100 coins earn 10; in the tenth year 233 coins earn 23, at the same ten per cent.

A rule of thumb: divide 72 by the percentage, and you have about the number of years in which the pile doubles. At \
10 % that is 72 ÷ 10 ≈ **7 years**.
"""
)

READY = {
    "Why is the sky blue?": _SKY,
    "Vì sao bầu trời màu xanh?": _SKY_VI,
    "Explain compound interest to a ten-year-old, with a small table.": _INTEREST,
    "And why does it grow faster each year?": _FASTER,
}


def ready_answer(name: str, prompt: str) -> str | None:
    """Return the prepared answer of the stand-in `name` to this prompt; None if there is none."""
    found = READY.get(" ".join(prompt.split()))
    return None if found is None else found.format(name=name)
