"""English: the page of GET /."""

TEXTS = {
    "home.about": (
        "One endpoint for the models of many providers: each prompt is answered by the cheapest provider that is up, "
        "and charged exactly."
    ),
    "home.base": "Programs made for OpenAI's API work with this base URL:",
    "home.key": (
        "To get an API key, write /keys to the Telegram bot of this service, or ask the operator. "
        "Send it as “Authorization: Bearer”."
    ),
    "home.example": "Try it:",
    "home.more": "Every call is described in",
}
