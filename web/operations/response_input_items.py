"""GET /v1/responses/{response_id}/input_items in /openapi.json."""

from web.openapi_parts import KEY_ERRORS, Operation, errors
from web.operations.response_schemas import INPUT_ITEMS, RESPONSE_ID

OPERATION = Operation(
    "/v1/responses/{response_id}/input_items",
    "get",
    {
        "tags": ["openai"],
        "operationId": "list_response_input_items",
        "summary": "Return the input of a stored response",
        "parameters": [RESPONSE_ID],
        "responses": {
            200: {
                "description": "Its items, the newest first; `order=asc` turns that round",
                "content": {"application/json": {"schema": INPUT_ITEMS}},
            },
            **errors(*KEY_ERRORS, 404),
        },
    },
)
