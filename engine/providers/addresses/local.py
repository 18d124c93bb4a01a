"""A local server (Ollama, llama.cpp, vLLM): no API key, price zero; setting LOCAL_BASE_URL enables it.

vLLM refuses a `top_p` of 0. The server is the operator's own: prompts do not go to another company.
"""

from engine.privacy import DataPolicy
from engine.providers.spec import Spec

SPEC = Spec(name="local", base_url="", needs_key=False, least_top_p=0.01, data=DataPolicy(trains=False, is_own=True))
