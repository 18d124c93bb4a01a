"""Spending by day and model, in tokens and money."""

from tests.web.miniapp.conftest import ANN, Mini, account


async def test_days_and_models_add_up(mini: Mini) -> None:
    await mini.credit(mini.ann, "5", 20)
    await mini.answered(mini.ann, "a", 1, tokens=2000)
    await mini.answered(mini.ann, "b", 1, tokens=1000, markup=True, provider="openai", model="gpt-4o")
    await mini.answered(mini.ann, "c", 0, tokens=500, provider="gemini")
    seen = (await account(mini, ANN))["spending"]
    whole, days = seen["whole"], seen["days"]
    assert (len(days), whole["prompts"], whole["tokens"], whole["covered"]) == (12, 3, "3,500", "2,500")
    flash, gpt = whole["models"]
    assert (flash["name"], flash["providers"], flash["tokens"], flash["by_plan"]) == (
        "deepseek-v4-flash",
        ["deepseek", "gemini"],
        "2,500",
        True,
    )
    assert (flash["money"], gpt["by_plan"]) == ("1.25 ¢", False)  # 2,500 tokens at $5 for a million
    assert flash["colour"] != gpt["colour"]
    for each in days:
        for model in each["models"]:
            assert model["colour"] == (flash if model["name"] == flash["name"] else gpt)["colour"]
    assert sum(model["token_height"] for each in days for model in each["models"]) == 3500
    assert seen["tokens"]["most"] == 3000
    assert [tick["text"] for tick in seen["tokens"]["ticks"]] == ["0", "1,000", "2,000", "3,000"]
    assert seen["money"]["ticks"][-1]["text"].startswith("$0.0")


async def test_amounts_are_written_in_the_users_language(mini: Mini) -> None:
    await mini.answered(mini.ann, "a", 0, tokens=2500)
    whole = (await account(mini, ANN, language="vi"))["spending"]["whole"]
    assert (whole["tokens"], whole["money"]) == ("2.500", "1,25 ¢")


async def test_period_without_answers_is_empty_not_broken(mini: Mini) -> None:
    seen = (await account(mini, ANN))["spending"]
    assert (seen["whole"]["models"], seen["whole"]["tokens"]) == ([], "0")
