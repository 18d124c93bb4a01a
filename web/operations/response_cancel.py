"""POST /v1/responses/{response_id}/cancel in /openapi.json."""

from web.openapi_parts import BODY_ERRORS, KEY_ERRORS, Operation, errors
from web.operations.response_schemas import RESPONSE_ID

OPERATION = Operation(
    "/v1/responses/{response_id}/cancel",
    "post",
    {
        "tags": ["openai"],
        "operationId": "cancel_response",
        "summary": "Cancel a response in the background: always a 409, as none is answered in the background",
        "parameters": [RESPONSE_ID],
        "responses": errors(
            *BODY_ERRORS, *KEY_ERRORS, 404, 409, words={409: "The response was not made in the background"}
        ),
    },
)
