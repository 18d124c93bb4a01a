"""The margin on the operators' page."""

from tests.web.miniapp.conftest import OLGA, Mini


async def test_margin_has_an_axis_sums_and_a_line_for_each_offer(mini: Mini) -> None:
    await mini.credit(mini.ann, "5", 2)
    await mini.answered(mini.ann, "a", 0, tokens=1000, markup=True, provider="openai", model="gpt-4o")
    await mini.answered(mini.ann, "b", 0, tokens=3000)
    async with mini.http(OLGA) as http:
        seen = (await http.get("/app/house")).json()
    shown, exact = seen["shown"], seen["margin"]["totals"]
    assert [(each["model"], each["is_loss"]) for each in shown["models"]] == [
        ("gpt-4o", False),
        ("deepseek-v4-flash", True),
    ]
    last = shown["days"][-1]
    assert last["sold_height"] == round(float(exact["charge_usd"]) * 1e9)
    assert last["spent_height"] == round(float(exact["cost_usd"]) * 1e9)
    assert shown["axis"]["most"] >= max(last["sold_height"], last["spent_height"])
    assert shown["axis"]["ticks"][0] == {"at": 0.0, "text": "$0.00"}
    assert (shown["percent"] is None) == (exact["margin_percent"] is None)


async def test_month_without_answers_is_empty_not_broken(mini: Mini) -> None:
    async with mini.http(OLGA) as http:
        shown = (await http.get("/app/house")).json()["shown"]
    assert (shown["models"], shown["percent"], shown["sold"]) == ([], None, "$0.00")
