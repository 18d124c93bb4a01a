"""A local server (Ollama, llama.cpp, vLLM): no key, price zero; LOCAL_BASE_URL switches it on."""

from engine.providers.spec import Spec

SPEC = Spec(name="local", base_url="", needs_key=False)
