"""POST /v1/messages in /openapi.json."""

from web.openapi_parts import IDEMPOTENCY, Operation, answer, prompt_errors, request_body
from web.operations.message_schemas import ERROR, SCHEMAS

OPERATION = Operation(
    "/v1/messages",
    "post",
    {
        "tags": ["anthropic"],
        "operationId": "create_message",
        "summary": "Answer a chat, streamed or whole, in Anthropic's format",
        "description": (
            "The key may also be sent as `x-api-key`. `usage.cost` is the charge to the wallet in USD, "
            "`usage.allowance_tokens` the tokens taken from the plan. Fields that are not listed are ignored."
            + IDEMPOTENCY
        ),
        "requestBody": request_body("MessageRequest"),
        "responses": {
            200: answer("Message", "The message; with `stream`, named events up to `message_stop`", streams=True),
            **prompt_errors(ERROR),
        },
    },
    SCHEMAS,
)
