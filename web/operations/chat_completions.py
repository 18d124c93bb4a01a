"""POST /v1/chat/completions in /openapi.json."""

from web.openapi_parts import Operation, answer, prompt_errors, request_body
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
            "`usage.allowance_tokens` the tokens taken from the plan. Fields that are not listed are ignored. "
            "A request with the header `Idempotency-Key` (1 to 255 characters) that is repeated within a day gets the "
            "first answer and is charged once; another body under the same key is a 422."
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
