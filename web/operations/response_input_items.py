"""GET /v1/responses/{response_id}/input_items in /openapi.json."""

from web.openai.responses.item_page import MOST_ITEMS
from web.openapi_parts import KEY_ERRORS, Operation, errors
from web.operations.response_schemas import INPUT_ITEMS, RESPONSE_ID

OPERATION = Operation(
    "/v1/responses/{response_id}/input_items",
    "get",
    {
        "tags": ["openai"],
        "operationId": "list_response_input_items",
        "summary": "Return the input of a stored response",
        "parameters": [
            RESPONSE_ID,
            {"name": "order", "in": "query", "schema": {"type": "string", "enum": ["desc", "asc"]}},
            {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}},
            {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "The id of the item before"},
        ],
        "responses": {
            200: {
                "description": "Its items, the newest first; `order=asc` turns that round",
                "content": {"application/json": {"schema": INPUT_ITEMS}},
            },
            **errors(*KEY_ERRORS, 400, 404),
        },
    },
)
