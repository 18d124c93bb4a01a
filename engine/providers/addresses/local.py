"""Ollama, llama.cpp or vLLM on a machine of one's own: no key, price zero; LOCAL_BASE_URL switches it on."""

from engine.providers.spec import Spec

SPEC = Spec(name="local", base_url="", needs_key=False)
