"""POST /v1/messages/count_tokens in /openapi.json."""

from web.openapi_parts import BODY_ERRORS, KEY_ERRORS, Operation, errors, request_body
from web.operations.message_schemas import ERROR

OPERATION = Operation(
    "/v1/messages/count_tokens",
    "post",
    {
        "tags": ["anthropic"],
        "operationId": "count_message_tokens",
        "summary": "Estimate the input tokens of a message; nothing is charged",
        "requestBody": request_body("TokenCountRequest"),
        "responses": {
            200: {
                "description": "The tokens, as they are estimated before a provider counts them",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TokenCount"}}},
            },
            **errors(*BODY_ERRORS, *KEY_ERRORS, 404, schema=ERROR),
        },
    },
)
