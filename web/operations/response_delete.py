"""DELETE /v1/responses/{response_id} in /openapi.json."""

from web.openapi_parts import KEY_ERRORS, Operation, errors
from web.operations.response_schemas import DELETED, RESPONSE_ID

OPERATION = Operation(
    "/v1/responses/{response_id}",
    "delete",
    {
        "tags": ["openai"],
        "operationId": "delete_response",
        "summary": "Delete a stored response",
        "parameters": [RESPONSE_ID],
        "responses": {
            200: {
                "description": "It is deleted",
                "content": {"application/json": {"schema": DELETED}},
            },
            **errors(*KEY_ERRORS, 404),
        },
    },
)
