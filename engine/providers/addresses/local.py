"""A local server (Ollama, llama.cpp, vLLM): no key, price zero; LOCAL_BASE_URL switches it on.

It is the operator's own: prompts do not leave the operator's hands.
"""

from engine.privacy import DataPolicy
from engine.providers.spec import Spec

SPEC = Spec(name="local", base_url="", needs_key=False, data=DataPolicy(trains=False, is_own=True))
