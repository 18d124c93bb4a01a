"""A local server (Ollama, llama.cpp, vLLM): no key, price zero; LOCAL_BASE_URL switches it on.

vLLM refuses a `top_p` of 0. It is the operator's own: prompts do not leave the operator's hands.
"""

from engine.privacy import DataPolicy
from engine.providers.spec import Spec

SPEC = Spec(name="local", base_url="", needs_key=False, least_top_p=0.01, data=DataPolicy(trains=False, is_own=True))
