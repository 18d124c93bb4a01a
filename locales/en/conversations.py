"""English: the list of conversations, instructions and personas."""

TEXTS = {
    "history.head": "**Your conversations**, the latest first. The one marked • is open.\n\n/history WORDS finds the ones that contain these words.",
    "history.none": "You have no conversations yet. Just write to me.",
    "history.found": "Conversations that contain “{words}”:",
    "history.not_found": "No conversation contains “{words}”.",
    "history.one": "**{title}**\n{n} {n:question|questions}, the last on {day}.",
    "history.is_open": "\nThis conversation is open.",
    "history.resume": "▶️ Resume",
    "history.delete": "🗑 Delete",
    "history.back": "‹ Back",
    "history.newer": "‹ Newer",
    "history.older": "Older ›",
    "history.resumed": "You are back in “{title}”. Go on where you left off.",
    "history.gone": "This conversation has been deleted.",
    "history.sure": "Delete “{title}” with its {n} {n:question|questions} and answers? This can't be undone.",
    "history.deleted": "The conversation is deleted.",
    "history.untitled": "Without a title",
    "instructions.head": "**I always keep in mind:**\n{text}\n\nPersona of this conversation: {persona}",
    "instructions.none": (
        "Tell me what I should always know or do, such as your profession, your language level or how long answers should be. "
        "I get it with each question in our private chat; it counts as part of the question.\n\nPersona of this conversation: {persona}"
    ),
    "instructions.change": "✏️ Change",
    "instructions.clear": "🗑 Clear",
    "instructions.personas": "🎭 Personas",
    "instructions.ask": "Send me the text: up to {most} characters. It replaces the present one.",
    "instructions.kept": "I'll keep that in mind from now on.",
    "instructions.cleared": "Your instructions are deleted.",
    "instructions.unchanged": "Nothing was changed.",
    "instructions.long": "That has {n} characters; the limit is {most}. Please shorten it.",
    "persona.head": "**How should I answer in this conversation?** The choice holds until /new.",
    "persona.nobody": "No persona",
    "persona.new": "➕ New persona",
    "persona.one": "**{name}**\n{prompt}",
    "persona.ask": "Send me the name in the first line, and from the second line on how this persona answers. For example:\n\nPirate\nAnswer like a pirate, but get the facts right.",
    "persona.needs_lines": "I need two lines or more: the name first, then how the persona answers.",
    "persona.long": "That is too long: a name has at most {name} characters, the description {prompt}.",
    "persona.too_many": "You have {most} personas, which is the limit. Delete one first.",
    "persona.kept": "“{name}” is saved.",
    "persona.teacher": "Patient teacher",
    "persona.prompt_teacher": (
        "You are a patient teacher. Explain step by step in plain words, begin with the idea before the details, use one short example, "
        "and end with one question that checks whether the user has understood."
    ),
    "persona.editor": "Editor",
    "persona.prompt_editor": (
        "You are an editor. Improve the text that the user sends: correct mistakes, cut what is not needed, keep the author's voice and language. "
        "Send the improved text first, then the three most important changes as a short list."
    ),
    "persona.translator": "Translator",
    "persona.prompt_translator": (
        "You are a translator between English and Vietnamese. Translate what the user sends into the other language, in the idiom of a native speaker and "
        "in the same tone. Send the translation only; if the user names another language, translate into that one."
    ),
    "persona.programmer": "Programmer",
    "persona.prompt_programmer": (
        "You are an experienced programmer. Answer with working code first and a short explanation after it. Name the versions and assumptions that matter, "
        "handle errors, and say so when something is uncertain."
    ),
    "persona.sparring": "Sparring partner",
    "persona.prompt_sparring": (
        "You are a critical and friendly sparring partner. Test the user's ideas: name the strongest objection, the hidden assumption and a better alternative, "
        "in a few sentences each. Do not flatter."
    ),
}
