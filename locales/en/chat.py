"""English: conversations, commands, settings and duties."""

TEXTS = {
    "menu.app": "Account",
    "command.start": "What I do and what you have left",
    "command.help": "What I can do",
    "command.new": "Start a new conversation",
    "command.stop": "Stop the answer",
    "command.retry": "Ask the last question again",
    "command.ask": "Ask a question (in groups)",
    "command.model": "Choose the model",
    "command.usage": "Tokens and money you used",
    "command.plan": "See or change your plan",
    "command.topup": "Add money with Telegram Stars",
    "command.invoice": "Invoices for past months (PDF)",
    "command.keys": "API keys for your programs",
    "command.why": "Receipt for the last answer",
    "command.settings": "Language, footer, memory, tables",
    "command.export": "Download all data about you",
    "command.forget": "Delete your conversations",
    "command.terms": "Terms of service",
    "command.privacy": "What is stored, and for how long",
    "command.paysupport": "Help with payments",
    "start.hello": (
        "Hi {name}! I answer each question with the cheapest AI model that is available, and show you exactly what it cost.\n\n"
        "**Just write to me.** Your plan, *{plan}*, has {left} tokens left.\n\n"
        "/model chooses a model, /usage shows what you used, /why shows who answered and at what price, /help lists the rest."
    ),
    "help.head": "**What I can do**\n\nSend me a message, a photo with a question, or a text or PDF file. In groups, use /ask or reply to me.\n",
    "help.voice": "\nVoice messages work too: I transcribe them first, for {price} a minute from your wallet.\n",
    "help.privacy_on": "\nIn groups I only see commands and replies to me. I see mentions once an admin makes me an admin.",
    "new.done": "New conversation started. Ask away.",
    "new.nothing": "This conversation is already new.",
    "stop.nothing": "I'm not answering anything right now.",
    "retry.nothing": "There is nothing to ask again: this conversation is new.",
    "ask.usage": "Write your question after the command, for example: /ask How tall is Everest?",
    "chat.stopped_empty": "Stopped before the answer began. Nothing was charged.",
    "chat.refused": "The model declined to answer this.",
    "chat.tokens": "{n} tokens",
    "chat.restarted": "{provider} broke off; {by} started the answer again.",
    "chat.stopped": "Stopped. Charged for the part delivered: {paid}.",
    "chat.filtered": "The provider's safety filter ended this answer.",
    "chat.as_text": "Show as text",
    "chat.text_gone": "This answer is no longer stored, so I can't show its text. Ask again for a new one.",
    "chat.length": "The answer reached the length limit. Write “go on” for the rest.",
    "chat.forgot": "This conversation is longer than the model can read, so its oldest messages are left out from here on. /new starts a new one.",
    "chat.anonymous": "Anonymous senders have no wallet to pay from. Write as yourself and I'll answer.",
    "chat.old": "You asked this while I was offline. Do you still want an answer?",
    "chat.answer_old": "Yes, answer",
    "chat.no_voice": "I can't listen to recordings: transcription is not set up here. Please write your question.",
    "chat.unreadable": "I can't read this. Please send text, a photo, or a text or PDF file.",
    "chat.file_kind": "I can't read this kind of file. Please send a text or PDF file.",
    "chat.file_empty": "I found no text in that file. If it is a scan, please send its pages as photos.",
    "chat.file_long": "That file is too long: the limit is {chars} characters. Please send a shorter one.",
    "chat.image_kind": "I can read JPEG, PNG, WebP and GIF pictures. Please send this one as a photo, not as a file.",
    "chat.file_gone": "Telegram did not give me that file. Nothing was charged. Please send it again.",
    "chat.file_big": "That file is too large: Telegram lets me download up to 20 MB. Please send a smaller one.",
    "chat.files_minute": "That was more than {minute} {minute:file|files} in a minute. Please wait a moment and send it again.",
    "chat.files_day": "You have reached the daily limit of {mb} MB of files. Text still works; please send files again tomorrow.",
    "voice.long": "That recording is too long: the limit is {minutes} min. Nothing was charged. Please send a shorter one.",
    "voice.nothing": "I heard no words in that recording. Nothing was charged. Please try again, or write your question.",
    "voice.wallet_short": (
        "Recordings are paid from your wallet, which holds {wallet} USD; you need at least {missing} USD more. "
        "Nothing was downloaded or charged. Written questions use your plan."
    ),
    "voice.old": "This recording arrived over an hour ago, while I was offline. If you still want an answer, please send it again: listening costs a little.",
    "unknown_command": "I don't know that command. /help lists the commands.",
    "in_private_only": "That works only in our private chat: open @{bot} and send /{command} there.",
    "button.stale": "This button is out of date. Please send the command again.",
    "button.not_yours": "This button was made for someone else.",
    "button.topup": "⭐ Top up",
    "button.plan": "Plans",
    "button.keys": "API keys",
    "button.cancel": "Cancel",
    "access.welcome": "You're in: just write to me.",
    "access.wait_approval": "Welcome! The operator approves each new user and has been asked about you. I'll write to you when they decide.",
    "access.wait_invite": "Welcome! This bot is by invitation. Open your invitation link, or send /start CODE with your invitation code.",
    "access.bad_code": "That invitation is not valid, or it was already used. Please ask for a new one.",
    "access.declined": "The operator has declined your request. Only your Telegram id and name are kept.",
    "access.banned": "The operator has closed your account. Your wallet is kept. Questions about payments: /paysupport.",
    "access.unbanned": "Your account is open again: just write to me.",
    "model.choose": "**Which model should answer?** Now: *{model}*.\n\n{lines}",
    "model.auto": "auto: the cheapest available, {usd} USD per 1M tokens, paid by your plan first",
    "model.markup": "{name}: cost × {times}, from the wallet (now about {usd} USD per question)",
    "model.flat": "{name}: {usd} USD per 1M tokens, paid by your plan first",
    "model.more": "\n• any other: /model NAME, for example {name}",
    "model.named": "{name}: about {usd} USD per question, from the wallet",
    "model.set": "From now on, *{model}* answers.",
    "why.none": "There is no answer yet, so there is no receipt. Ask me something first.",
    "why.head": "**Receipt** for *{model}*: {charge}, {seconds} s",
    "why.charge_wallet": "{usd} USD from your wallet",
    "why.charge_allowance": "{tokens} tokens from your plan",
    "why.charge_both": "{tokens} tokens from your plan and {usd} USD from your wallet",
    "why.charge_free": "nothing charged",
    "why.tokens": "\n{input} tokens in ({cached} cached), {output} out{estimated}.",
    "why.estimated": " (estimated: the provider did not report it)",
    "why.tried": "\n\n**Asked, in this order**\n{lines}",
    "why.attempt": "{n}. {offer}: {outcome}, {seconds} s{cost}",
    "why.route": "\n\n**Planned order, cheapest first**\n{lines}",
    "why.dropped": "\n\n**Left out**\n{lines}",
    "why.gpt4o": "\n\nGPT-4o at list price: {usd} USD.",
    "why.cost": " · cost {usd} USD",
    "why.answered": "answered",
    "why.stopped": "stopped by you",
    "settings.head": (
        "**Settings**\n\nLanguage: {language}\nFooter with the charge: {footer}\nMemory: {memory} {memory:message|messages}\n"
        "Streaming: {stream}\nTables as rich messages (needs a recent app): {tables}"
    ),
    "settings.on": "on",
    "settings.off": "off",
    "settings.draft": "drafts",
    "settings.edit": "edited messages",
    "settings.button_footer": "Footer on/off",
    "settings.button_stream": "Drafts/edits",
    "settings.button_memory": "Memory {n}",
    "settings.button_tables": "Rich tables on/off",
    "export.done": "All the data I have about you.",
    "forget.sure": (
        "Delete all your conversations, stored answers, receipts and your name? This can't be undone.\n"
        "Records of payments stay, as the law requires, without your name. You keep your wallet and plan."
    ),
    "forget.kept": "Nothing was deleted.",
    "forget.yes": "Yes, delete",
    "forget.done": "Done. Deleted: your name and {n} {n:message|messages}. Your payments stay in the books under a number.",
    "terms.text": (
        "**Terms** of {version}\n\n1. Answers come from AI models of several providers and can be wrong. Check anything important.\n"
        "2. The tokens of your plan are for the period you bought them for; the wallet does not expire.\n"
        "3. An answer is charged once, for the part delivered, at the price shown by /model. A failed answer costs nothing.\n"
        "4. Unlawful use ends the account.\n5. Payments are in Telegram Stars. Refunds: /paysupport. "
        "Telegram support can't help with purchases here."
    ),
    "terms.seller": "\n\nOperator: {seller}",
    "privacy.text": (
        "**Privacy**\n\nYour prompt goes to the provider that answers it (/why names it). "
        "It stays in this conversation until 30 days after /new, or until /forget. The books hold numbers, never texts. "
        "Logs hold no prompts. /export gives you everything, /forget deletes it.{voice}{free}"
    ),
    "privacy.voice": "\n\nYour recordings also go to {provider} to be transcribed; the recordings themselves are not stored here.",
    "privacy.free": "\n\nA free tier is in use: its provider may train on your prompts.",
    "paysupport.operator": "the operator",
    "paysupport.text": (
        "**Help with payments**\n\nWrite to {contact}: say what went wrong, on which date and for which amount. "
        "We answer within two days and refund anything not delivered. Telegram support can't help with purchases here."
    ),
}
