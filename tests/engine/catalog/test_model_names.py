"""Names of models, tried on every name of the price catalogue."""

from datetime import UTC, datetime

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.catalog.model_names import MOST_NAME_CHARS, is_model_name, unit_beside_text, without_date
from engine.catalog.offers import Model, Offer
from engine.catalog.price_book import PriceBook
from engine.chat import ChatRequest, Role, says
from engine.errors import ModelNotSold, UnknownModel
from engine.tenancy import Flat

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OURS = ("anthropic", "deepseek", "groq", "mistral", "openai", "openrouter")
PROVIDERS = {"google": "gemini"} | {name: name for name in OURS}
CATALOGUE = [
    (PROVIDERS[provider.id], model)
    for provider in get_snapshot().providers
    if provider.id in PROVIDERS
    for model in provider.models
]
ALL = Catalog({}, PriceBook(), lambda _: True)


@pytest.mark.parametrize(
    "name",
    ["gpt-4o", "openai/gpt-oss-20b:free", "hf.co/Qwen/Qwen3-GGUF:Q4_K_M", "claude@20251001", "a.b", "x" * 200],
)
def test_letters_digits_and_five_marks_make_a_name(name: str) -> None:
    assert is_model_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * (MOST_NAME_CHARS + 1),
        "gemini-1.5-flash/../gemini-2.5-pro",
        "gemini-1.5-flash/./x",
        "..",
        ".",
        "a/..",
        "a..b",
        "...",
        "../a",
        "a//b",
        "/a",
        "a/",
        "a?x=1",
        "a#b",
        "a%2e",
        "a\\b",
        "a b",
        "a\n",
        "a\0b",
        "é",
        "a;b",
        "a&b",
        "a+b",
        "a,b",
    ],
)
def test_anything_that_could_be_a_path_or_a_query_is_an_unknown_model(name: str) -> None:
    assert not is_model_name(name)
    for asked in (name, f"gemini/{name}"):
        with pytest.raises(UnknownModel):
            ALL.model(asked)


@given(
    st.text(max_size=20), st.sampled_from(["..", "//", "?", "#", "%", "\\", " ", "\t", "\x7f"]), st.text(max_size=20)
)
def test_no_name_holds_a_mark_of_a_url(before: str, mark: str, after: str) -> None:
    name = before + mark + after
    assert not is_model_name(name)


def test_date_at_the_end_of_a_name_is_left_out() -> None:
    assert without_date("claude-haiku-4-5-20251001") == "claude-haiku-4-5"
    assert without_date("claude-haiku-4-5@20251001") == "claude-haiku-4-5"
    assert without_date("gpt-4o-2024-11-20") == "gpt-4o"
    assert without_date("gpt-4o-2024-11-20-x") == "gpt-4o-2024-11-20-x"
    assert without_date("mistral-small-2503") == "mistral-small-2503"


NOT_SOLD = (
    "groq/compound",
    "groq/groq/compound-mini",
    "groq/compound-beta",
    "openrouter/bytedance-seed/seedream-4.5",
    "openrouter/sourceful/riverflow-v2-fast",
    "openrouter/recraft/recraft-v3",
    "mybox/stable-diffusion-3.5",
    "openrouter/kwaivgi/kling-v2",
    "openrouter/alibaba/wan-2.5",
    "mybox/cosyvoice-v2",
    "mybox/jina-deepsearch-v1",
    "mybox/exa-research-pro",
    "openai/gpt-4o-search-preview",
    "openai/gpt-4o-mini-search-preview-2025-03-11",
    "openai/gpt-5-search-api",
    "openai/gpt-5-search-api-2025-10-14",
    "gpt-4o-search-preview",
    "openrouter/perplexity/sonar",
    "openrouter/perplexity/sonar-pro-search",
    "openrouter/openai/gpt-4o:online",
    "openrouter/perplexity/llama-3.1-sonar-small-128k-online",
    "openai/o3-deep-research",
    "gemini/gemini-2.5-flash-image",
    "gemini/gemini-3-pro-image-preview",
    "openrouter/google/gemini-3-pro-image:free",
    "openai/gpt-image-1",
    "openai/chatgpt-image-latest",
    "openai/gpt-5-image-mini",
    "openai/dall-e-3",
    "openai/gpt-audio",
    "openai/gpt-4o-audio-preview",
    "openai/gpt-4o-mini-tts",
    "openai/tts-1-hd",
    "gemini/gemini-2.5-flash-preview-native-audio-dialog",
    "gemini/gemini-3.8-live",
    "openai/gpt-4o-realtime-preview",
    "openai/gpt-4o-transcribe",
    "groq/whisper-large-v3",
    "groq/canopylabs/orpheus-v1-english",
    "mistral/voxtral-mini-transcribe-3-0",
    "mistral/mistral-ocr-latest",
    "mistral/mistral-embed",
    "openai/text-embedding-3-small",
    "local/bge-m3",
    "local/all-minilm:latest",
    "local/bge-reranker-v2-m3",
    "openai/omni-moderation-latest",
    "OpenAI/GPT-4O-Search-Preview",
)


@pytest.mark.parametrize("name", NOT_SOLD)
def test_model_with_a_bill_beside_text_tokens_is_not_sold(name: str) -> None:
    with pytest.raises(ModelNotSold, match=r"its bill is not counted in text tokens|makes embeddings"):
        ALL.model(name)


@pytest.mark.parametrize(
    "name",
    [
        "openai/gpt-4o",
        "gemini/gemini-2.5-flash-lite",
        "openrouter/deepseek/deepseek-v4-flash",
        "openrouter/meta-llama/llama-3.2-11b-vision-instruct",
        "groq/llama-guard-3-8b",
        "openrouter/relace/relace-search",
        "openrouter/alibaba/tongyi-deepresearch-30b-a3b",
        "openrouter/qwen/qwen3-vl-235b-a22b-instruct",
        "mistral/mistral-small-latest",
    ],
)
def test_text_models_are_not_mistaken_for_others(name: str) -> None:
    assert unit_beside_text(name) == ""


KINDS = (
    "image",
    "audio",
    "tts",
    "realtime",
    "search-",
    "sonar",
    "transcri",
    "embed",
    "moderation",
    "online",
    "ocr",
    "live",
)
TEXT_DESPITE_ITS_NAME = ("relace-search",)


@pytest.mark.parametrize(("provider", "model"), CATALOGUE, ids=lambda each: getattr(each, "id", each))
def test_every_model_that_is_sold_has_text_prices_and_is_billed_by_text_tokens(provider: str, model: ModelInfo) -> None:
    name = f"{provider}/{model.id}"
    try:
        found = ALL.model(name)
    except (UnknownModel, ModelNotSold):
        return
    quotes, drops = ALL.quote(ChatRequest("r", name, (says(Role.USER, "Hello"),)), found, NOON)
    if not quotes:
        assert all(drop.reason for drop in drops)
        return
    prices: ModelPrice = model.get_prices(NOON)
    assert prices.input_mtok is not None
    assert prices.output_mtok is not None
    units = [unit for unit in vars(prices) if unit.startswith("output_") and getattr(prices, unit) is not None]
    assert set(units) <= {"output_mtok"}
    assert not [kind for kind in KINDS if kind in model.id] or model.id.endswith(TEXT_DESPITE_ITS_NAME)


def test_offer_of_the_operator_with_another_bill_is_left_out_with_the_reason() -> None:
    offers = (Offer("openai", "gpt-4o-search-preview"), Offer("openai", "gpt-4o"))
    catalog = Catalog({"auto": Model("auto", offers, Flat(10**12))}, PriceBook(), lambda _: True)
    quotes, drops = catalog.quote(ChatRequest("r", "auto", (says(Role.USER, "Hi"),)), catalog.models["auto"], NOON)
    assert [quote.offer.model for quote in quotes] == ["gpt-4o"]
    assert [drop.reason for drop in drops] == ["its bill is not counted in text tokens"]
