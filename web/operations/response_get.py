"""GET /v1/responses/{response_id} in /openapi.json."""

from web.openapi_parts import KEY_ERRORS, STREAMED, Operation, errors, ref
from web.operations.response_schemas import RESPONSE_ID

OPERATION = Operation(
    "/v1/responses/{response_id}",
    "get",
    {
        "tags": ["openai"],
        "operationId": "retrieve_response",
        "summary": "Return a stored response",
        "parameters": [
            RESPONSE_ID,
            {
                "name": "stream",
                "in": "query",
                "schema": {"type": "string", "enum": ["true", "false"]},
                "description": "true: the events of its stream again",
            },
            {
                "name": "starting_after",
                "in": "query",
                "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
                "description": "The `sequence_number` of the last event that is left out",
            },
        ],
        "responses": {
            200: {
                "description": "The response as it was first sent",
                "content": {
                    "application/json": {"schema": ref("Response")},
                    "text/event-stream": STREAMED,
                },
            },
            **errors(400, *KEY_ERRORS, 404),
        },
    },
)
