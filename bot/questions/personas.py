"""Personas and instructions: built-in and own personas, and the text that the model gets from them."""

from collections.abc import Mapping

from bot.context import Context
from storage.database.connection import row_number
from storage.tenants import personas
from storage.tenants.personas import Persona
from storage.tenants.tenant_settings import INSTRUCTIONS

READY = ("teacher", "editor", "translator", "programmer", "sparring")
_READY, _OWN = "ready", "own"


def ready(key: str) -> str:
    """Return the reference to a built-in persona in the form that a conversation stores."""
    return f"{_READY}:{key}"


def own(persona_id: int) -> str:
    return f"{_OWN}:{persona_id}"


def ready_names(context: Context) -> Mapping[str, str]:
    """Return the names of the built-in personas by key."""
    return {key: context.t(f"persona.{key}") for key in READY}


async def found(context: Context, reference: str) -> Persona | None:
    """Return a persona by its reference. A built-in one has the id 0."""
    kind, _, key = reference.partition(":")
    if kind == _READY and key in READY:
        return Persona(0, context.t(f"persona.{key}"), context.t(f"persona.prompt_{key}"))
    number = row_number(key) if kind == _OWN else None
    if number is None:
        return None
    tenant_id = (await context.state()).id
    return await context.services.db.read(lambda conn: personas.find(conn, tenant_id, number))


async def system_text(context: Context, reference: str) -> str:
    """Return the persona's prompt and the user's instructions, which the model gets in the private chat."""
    persona = await found(context, reference) if reference else None
    instructions = str((await context.state()).settings.get(INSTRUCTIONS, ""))
    told = f"The user wants you to know always:\n{instructions}" if instructions else ""
    return "\n\n".join(filter(None, (persona.prompt if persona else "", told)))
