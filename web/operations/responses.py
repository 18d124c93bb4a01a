"""POST /v1/responses in /openapi.json."""

from web.openapi_parts import IDEMPOTENCY, Operation, answer, prompt_errors, request_body
from web.operations.response_schemas import SCHEMAS

OPERATION = Operation(
    "/v1/responses",
    "post",
    {
        "tags": ["openai"],
        "operationId": "create_response",
        "summary": "Answer a response request, streamed or whole, in OpenAI's format",
        "description": (
            "A response is stored for 30 days unless `store` is false, and continued by `previous_response_id`. "
            "`usage.cost` is the charge to the wallet in USD, `usage.allowance_tokens` the tokens taken from the plan."
            + IDEMPOTENCY
        ),
        "requestBody": request_body("ResponseRequest"),
        "responses": {
            200: answer("Response", "The response; with `stream`, numbered events to the last one", streams=True),
            **prompt_errors(),
        },
    },
    SCHEMAS,
)
