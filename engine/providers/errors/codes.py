"""Codes and types of providers' errors, in lower case, by the failure that they name.

Codes decide what a message may not: whether a key, an offer or the request is at fault. Each set is of one failure;
those of further providers are added here and nowhere else.
"""

from collections.abc import Mapping

NO_BALANCE = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "enforced_spend_limit_reached",
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "exceeded_current_quota_error",  # Moonshot
        "insufficient_user_quota",  # one-api, new-api
        "pre_consume_token_quota_failed",  # new-api
        "arrearage",  # DashScope
        "allocationquota.freetieronly",  # DashScope
        "postpaidbilloverdue",
        "prepaidbilloverdue",
        "accountoverdueerror",  # Volcengine
        "budget_exceeded",  # LiteLLM
    }
)
BAD_KEY = frozenset(
    {
        "api_key_invalid",
        "invalid_api_key",
        "authentication_error",
        "account_deactivated",
        "organization_restricted",  # Groq
    }
)
MODERATION = frozenset(
    {
        "content_policy_violation",
        "content_filter",
        "moderation_blocked",
        "invalid_prompt",
        "data_inspection_failed",  # DashScope
        "datainspectionfailed",  # DashScope's own API
        "sensitive_words_detected",  # one-api, new-api
        "responsibleaipolicyviolation",
        "sensitivecontentdetected",  # Volcengine
        "inputtextsensitivecontentdetected",
        "inputimagesensitivecontentdetected",
        "outputtextsensitivecontentdetected",
    }
)
NO_MODEL = frozenset(
    {
        "model_not_found",
        "model_not_available",
        "model_not_supported",  # Hugging Face, GitHub Copilot
        "model_decommissioned",
        "model_permission_blocked_org",
        "model_permission_blocked_project",
        "model_terms_required",
        "model.accessdenied",  # DashScope
        "endpoint.accessdenied",
        "accessdenied.unpurchased",
        "invalid_model",
        "unknown_model",  # GitHub Models
        "unavailable_model",
        "operationnotsupported",  # Azure: the model has no chat completions
        "key_model_access_denied",  # LiteLLM
        "team_model_access_denied",
        "user_model_access_denied",
        "project_model_access_denied",
    }
)
CONTEXT = frozenset(
    {
        "context_length_exceeded",
        "exceed_context_size_error",
        "model_max_prompt_tokens_exceeded",  # GitHub Copilot
    }
)
OF_TOKENS = frozenset({"tokens", "token_quota_exceeded", "too_many_tokens_error"})  # OpenAI, Groq; Cerebras
OF_REQUESTS = frozenset({"requests", "request_quota_exceeded"})
TOO_BIG = frozenset({"tokens", "tokens_limit_reached"})  # of a 413; GitHub Models
UNABLE = frozenset(
    {
        "unsupported_parameter",
        "unsupported_value",
        "unknown_parameter",
        "extra_forbidden",
        "tool_use_failed",  # Groq: the model wrote an invalid tool call, or no JSON
        "json_validate_failed",
    }
)

_RATE_LIMITED = """
    rate_limit_error rate_limit_exceeded rate_limited rate_limit rate_limit_reached_error ratelimitreached
    ratelimitexceeded too_many_requests too_many_requests_error too_many_tokens_error toomanyrequests
    request_quota_exceeded token_quota_exceeded limit_requests throttling throttling_error throttlingexception
    engine_overloaded_error slow_down resource_exhausted"""
THROTTLED = frozenset({"throttlingexception", "throttling"})  # of a 400: AWS
WITHIN_STREAM: Mapping[str, int] = {
    **dict.fromkeys(_RATE_LIMITED.split(), 429),
    "some resource has been exhausted": 429,  # xAI, whose codes are sentences
    "overloaded_error": 529,
    "server_is_overloaded": 503,
    "service_unavailable": 503,
    "authentication_error": 401,
    "auth_error": 401,
    "invalid_authentication_error": 401,
    "unauthenticated": 401,
    "unauthorized": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "permission_denied": 403,
    "forbidden": 403,
    "not_found_error": 404,
    "notfound": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "invalidparameter": 400,  # DashScope
    "datainspectionfailed": 400,
    "badrequest": 400,  # Volcengine
    "badrequesterror": 400,  # vLLM
    "tool_use_failed": 400,
    "json_validate_failed": 400,
    **dict.fromkeys(("internalserverexception", "modelstreamerrorexception", "modelerrorexception"), 500),  # AWS
    **dict.fromkeys(("serviceunavailableexception", "modelnotreadyexception", "modeltimeoutexception"), 503),
    "servicequotaexceededexception": 429,
    "validationexception": 400,
    "accessdeniedexception": 403,
    "resourcenotfoundexception": 404,
    **dict.fromkeys(("unrecognizedclientexception", "expiredtokenexception"), 401),
    "api_error": 500,
    "server_error": 500,
}
"""The HTTP status that an error within a stream corresponds to. For a code with dots, its first part also counts."""

OF_NUMBERS: Mapping[str, str] = {
    **dict.fromkeys(("1000", "1001", "1002", "1003", "1004"), "authentication_error"),
    **dict.fromkeys(("1110", "1111", "1112"), "account_deactivated"),
    "1113": "insufficient_balance",
    **dict.fromkeys(("1210", "1213", "1214", "1215"), "invalid_request_error"),
    **dict.fromkeys(("1211", "1220", "1221", "1222"), "model_not_found"),
    "1261": "context_length_exceeded",
    "1301": "content_filter",
    **dict.fromkeys(("1302", "1303", "1304", "1305", "1308", "1310"), "rate_limit_exceeded"),
    "20012": "model_not_found",
    "30001": "insufficient_balance",
    "30003": "model_not_found",
}
"""The words for the numeric error codes of GLM (docs.z.ai) and SiliconFlow, whose errors have no type."""
