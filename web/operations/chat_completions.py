"""POST /v1/chat/completions in /openapi.json."""

from web.openapi_parts import IDEMPOTENCY, Operation, answer, prompt_errors, request_body
from web.operations.chat_schemas import SCHEMAS

OPERATION = Operation(
    "/v1/chat/completions",
    "post",
    {
        "tags": ["openai"],
        "operationId": "create_chat_completion",
        "summary": "Answer a chat, streamed or whole, in OpenAI's format",
        "description": (
            "`model`: auto, smart, or a name of GET /v1/models. `usage.cost` is the charge to the wallet in USD, "
            "`usage.allowance_tokens` the tokens taken from the plan. A user's message may have files: parts "
            '`{"type": "file", "file": {"file_data": "data:...", "filename": "a.pdf"}}`. '
            "Fields that are not listed are ignored." + IDEMPOTENCY
        ),
        "requestBody": request_body("ChatCompletionRequest"),
        "responses": {
            200: answer(
                "ChatCompletion", "The answer; with `stream`, events of which the last is `[DONE]`", streams=True
            ),
            **prompt_errors(),
        },
    },
    SCHEMAS,
)
