"""Names of models: the characters that a name may contain, and models whose bill does not count text tokens."""

import re
from functools import lru_cache

MOST_NAME_CHARS = 200
_SEGMENT = r"(?!\.(?:/|\Z))[A-Za-z0-9._:@-]+"
_NAME = re.compile(rf"(?!.*\.\.){_SEGMENT}(?:/{_SEGMENT})*")
_DATE = re.compile(r"[-@](?:20\d{6}|20\d\d-\d\d-\d\d)")


@lru_cache(maxsize=4096)
def is_model_name(name: str) -> bool:
    """Return whether `name` can be a model's name.

    It can't contain a path (`..`, `//`), a query, a fragment or an escape.
    """
    return len(name) <= MOST_NAME_CHARS and _NAME.fullmatch(name) is not None


def without_date(name: str) -> str:
    """Return the name of a dated release without its date: `claude-haiku-4-5` for `claude-haiku-4-5-20251001`."""
    found = _DATE.search(name, max(0, len(name) - len("-2025-10-01")))
    return name[: found.start()] if found is not None and found.end() == len(name) else name


EMBEDDINGS = "embeddings"
_NOT_IN_TEXT_TOKENS: tuple[tuple[str, str], ...] = (
    # (a pattern, searched in the lower-case name; the unit of the bill). Sources:
    # OpenAI (developers.openai.com/api/docs/pricing): search, images, audio, realtime, moderation;
    # Google (ai.google.dev/gemini-api/docs/pricing): images, TTS, live, Imagen, Veo, Lyria, Omni, embeddings;
    # Perplexity (docs.perplexity.ai/getting-started/pricing): a fee for each request;
    # OpenRouter (openrouter.ai/docs/features/web-search): `:online`; Mistral (mistral.ai/pricing): OCR and audio;
    # Groq (groq.com/pricing): Whisper by the hour, Orpheus by the character.
    (r"search-(preview|api)\b", "searches"),
    (r"(^|/)sonar\b|[-/]sonar-|^perplexity/|/perplexity/", "searches"),
    (r"[:-]online\b", "searches"),
    (r"deep-research|deepsearch|(^|/)exa(-|$)", "searches"),
    (r"(^|/)compound(-beta|-mini|:|$)", "searches"),  # Groq: searches and code by the call
    (r"(^|[-/])image(-|:|$)|(^|/)dall-e|(^|/)imagen\b|nano-banana|(^|/)flux[.-]", "pictures"),
    (r"(^|[-/])(audio|tts|realtime|live|native-audio)(-|:|$)|(^|/)(lyria|orpheus|whisper)\b|/orpheus", "audio"),
    (
        r"seedream|riverflow|(^|/)(recraft|ideogram|stable-diffusion|sdxl|midjourney|grok-imagine|kolors|cogview)",
        "pictures",
    ),
    (r"(^|/)(seedance|kling|hailuo|pixverse|cogvideo|hunyuanvideo|wan-?2\.\d)", "video"),
    (r"(^|/)(suno|eleven_|cosyvoice|kokoro|parakeet|csm-1b)", "audio"),
    (r"transcribe|(^|[-/])(voxtral-mini-2602|speech|asr|translate)(-|:|$)", "audio"),
    (r"(^|/)(sora|veo)\b|(^|[-/])(omni-(flash|1\.1-flash)|video)(-|:|$)", "video"),
    (r"(^|[-/])moderation(-|:|$)|(^|[-/])rerank", "requests"),
    (r"(^|[-/])embed(ding|dings)?(-|:|$)|(^|/)text-embedding", EMBEDDINGS),
    (r"(^|/)(bge|e5|multilingual-e5|gte|all-minilm|all-mpnet|embeddinggemma|voyage)(-|:|$)", EMBEDDINGS),
    (r"(^|[-/])ocr(-|:|$)", "pages"),
)
_PATTERNS = tuple((re.compile(pattern), unit) for pattern, unit in _NOT_IN_TEXT_TOKENS)


@lru_cache(maxsize=4096)
def unit_beside_text(model: str) -> str:
    """Return the unit that a model bills apart from text tokens; empty if it bills text tokens only."""
    name = model.lower()
    return next((unit for pattern, unit in _PATTERNS if pattern.search(name)), "")


@lru_cache(maxsize=4096)
def is_embedding_name(model: str) -> bool:
    """Return whether a model of this name makes embeddings of texts."""
    return unit_beside_text(model) == EMBEDDINGS
