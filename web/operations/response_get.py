"""GET /v1/responses/{response_id} in /openapi.json."""

from web.openapi_parts import KEY_ERRORS, Operation, errors, ref
from web.operations.response_schemas import RESPONSE_ID

OPERATION = Operation(
    "/v1/responses/{response_id}",
    "get",
    {
        "tags": ["openai"],
        "operationId": "retrieve_response",
        "summary": "Return a stored response",
        "parameters": [RESPONSE_ID],
        "responses": {
            200: {
                "description": "The response as it was first sent",
                "content": {"application/json": {"schema": ref("Response")}},
            },
            **errors(*KEY_ERRORS, 404),
        },
    },
)
