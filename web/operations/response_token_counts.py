"""POST /v1/responses/input_tokens in /openapi.json."""

from web.openapi_parts import BODY_ERRORS, KEY_ERRORS, Operation, errors, ref, request_body

OPERATION = Operation(
    "/v1/responses/input_tokens",
    "post",
    {
        "tags": ["openai"],
        "operationId": "count_response_tokens",
        "summary": "Estimate the input tokens of a response; nothing is charged",
        "requestBody": request_body("ResponseTokensRequest"),
        "responses": {
            200: {
                "description": "The tokens, as they are estimated before a provider counts them",
                "content": {"application/json": {"schema": ref("ResponseTokens")}},
            },
            **errors(*BODY_ERRORS, *KEY_ERRORS, 404),
        },
    },
)
