"""English: the language that every key has."""

TEXTS = {
    # commands, as the menu shows them
    "command.start": "Who I am and what is left",
    "command.help": "What I can do",
    "command.new": "Start a fresh conversation",
    "command.stop": "Stop the answer",
    "command.retry": "Ask the last question again",
    "command.ask": "Ask me (in groups)",
    "command.model": "Choose the model",
    "command.usage": "What I spend",
    "command.plan": "My plan",
    "command.topup": "Add money with Stars",
    "command.invoice": "Past months as PDF",
    "command.keys": "API keys for programs",
    "command.why": "The receipt of the last answer",
    "command.settings": "Language, footer, memory",
    "command.export": "All data about me, as a file",
    "command.forget": "Delete my conversations",
    "command.terms": "Terms of service",
    "command.privacy": "What is kept, and for how long",
    "command.paysupport": "Help with payments",
    "command.providers": "Providers: health, price, buttons",
    "command.tenants": "Who uses the bot",
    "command.tenant": "One tenant's books",
    "command.credit": "Credit a wallet: ID USD",
    "command.setplan": "Set a plan: ID PLAN",
    "command.ban": "Shut a tenant out: ID",
    "command.unban": "Let a tenant in again: ID",
    "command.margin": "Charges, costs, margin",
    "command.alerts": "Open incidents",
    "command.refund": "Refund a payment: CHARGE_ID",
    # chatting
    "start.hello": (
        "Hi {name}! I answer every question from the cheapest AI model that is up, and show you exactly what it cost.\n\n"
        "**Just write to me.** {left} tokens are left on your plan *{plan}*.\n\n"
        "/model chooses a model, /usage shows what you spend, /why tells who answered and at what price, /help lists the rest."
    ),
    "help.head": "**What I can do**\n\nWrite, send a photo with a question, or a text or PDF file. In groups: /ask, or reply to me.\n",
    "help.privacy_on": "\nIn groups I only see commands and replies to me; mentions reach me if an admin makes me one.",
    "help.admin": "\n**For operators**\n",
    "new.done": "A fresh conversation. Ask away.",
    "new.nothing": "This conversation is fresh already.",
    "stop.done": "Stopped. What was delivered is paid, no more.",
    "stop.nothing": "Nothing is being answered right now.",
    "retry.nothing": "There is nothing to ask again: this conversation is fresh.",
    "ask.usage": "Write your question after the command: /ask How tall is Everest?",
    "chat.stopped_empty": "Stopped before the first word: nothing was charged.",
    "chat.refused": "The model declined to answer this.",
    "chat.anonymous": "Anonymous senders have no wallet to pay from. Write as yourself and I will answer.",
    "chat.old": "You asked this while I was away. Shall I still answer it?",
    "chat.answer_old": "Yes, answer it",
    "chat.no_voice": "I can't listen to recordings here: no transcriber is set up. Please write your question.",
    "chat.unreadable": "I can read text, photos, and text or PDF files; this is none of them.",
    "chat.file_kind": "I can read text and PDF files; this is another kind.",
    "chat.file_empty": "I found no text in that file.",
    "chat.file_long": "That file is too long: {chars} characters are the most I can read.",
    "chat.file_big": "That file is too large: Telegram gives me up to 20 MB.",
    "unknown_command": "I don't know that command. /help lists those that there are.",
    "in_private_only": "That is between you and me: open @{bot} and send /{command} there.",
    "button.stale": "This button is too old. Send the command again.",
    "button.not_yours": "This button was made for somebody else.",
    "button.topup": "⭐ Top up",
    "button.plan": "Plans",
    "button.cancel": "Cancel",
    # who may come in
    "access.asked": "**{name}** (tenant {id}) would like to use the bot.",
    "access.accept": "Accept",
    "access.refuse": "Refuse",
    "access.welcome": "You may come in: just write to me.",
    # refusals
    "error.EngineError": "Something broke on my side. Nothing was charged; please try again.",
    "error.UnknownModel": "There is no model called “{model}”. /model shows those that there are.",
    "error.ModelNotInPlan": "Your plan {plan} does not include {model}. /plan changes it, /model chooses another.",
    "error.TooManyRequests": "That was more than {limit} questions a minute, your plan's limit. Please try again in {seconds} s.",
    "error.TenantBanned": "This account is not open (yet): the operator decides. Nothing was charged.",
    "error.HouseCapReached": "I have reached my own limit for now. Nothing was charged; please come back later.",
    "error.BadRequest": "I can't ask that: {reason}.",
    "error.Closing": "I am restarting; your question is kept and answered in a moment.",
    "error.InsufficientFunds": "What is left does not cover this question. /topup adds money, /plan changes the plan.",
    "error.allowance_short": (
        "What is left does not cover this question: {left} tokens of your plan and {wallet} USD. "
        "{missing} USD more would do. Nothing was sent or charged."
    ),
    "error.wallet_short": (
        "This model is paid from your wallet, which holds {wallet} USD; at least {missing} USD more are needed. "
        "Nothing was sent or charged. /model auto uses your plan instead."
    ),
    "error.RequestRejected": "The model can't take this: {reason}\n\nNothing was charged.",
    "error.NoProvider": "Every provider is down or resting right now. Nothing was charged; please try again in {seconds} s.",
    "error.AnswerCut": "The answer broke off and nobody could finish it. Nothing was charged; please ask again (/retry).",
    "error.HoldLost": "This question was answered already.",
    # model
    "model.choose": "**Which model should answer?** Now: *{model}*.\n\n{lines}",
    "model.auto": "auto: the cheapest that is up, {usd} USD per 1M tokens, your plan pays first",
    "model.markup": "{name}: cost × {times}, from the wallet (now about {usd} USD per question)",
    "model.flat": "{name}: {usd} USD per 1M tokens, your plan pays first",
    "model.named": "{name}: about {usd} USD per question, from the wallet",
    "model.set": "From now on *{model}* answers.",
    # usage
    "usage.head": "**{title}**\n\n",
    "usage.title_period": "This period",
    "usage.title_7": "The last 7 days",
    "usage.title_30": "The last 30 days",
    "usage.title_month": "This month",
    "usage.none": "Nothing yet: ask me something first.",
    "usage.total": "{prompts} answers · {tokens} tokens · {usd} USD from the wallet · {allowance} tokens from the plan\n",
    "usage.left": "\nLeft: {left} of {allowance} plan tokens until {renews} · wallet {wallet} USD",
    "usage.by": "\n**By {what}**\n{lines}\n",
    "usage.line": "{name}: {tokens} tokens · {usd} USD",
    "usage.more": "… and {n} more: the CSV has them all.",
    "usage.day": "day",
    "usage.chart": "{title}: tokens a day",
    "usage.chart_sums": "{prompts} answers · {tokens} tokens · {usd} USD from the wallet",
    "usage.others": "Others",
    "usage.model": "model",
    "usage.provider": "provider",
    "usage.7": "7 days",
    "usage.30": "30 days",
    "usage.month": "Month",
    "usage.csv": "CSV",
    # plan
    "plan.now": (
        "**Your plan: {plan}**\n\n{left} of {allowance} tokens left. The next period begins on {renews}.\n"
        "Wallet: {wallet} USD.{next}\n\n{lines}"
    ),
    "plan.next": "\nFrom then on: {plan}.",
    "plan.line": "**{name}**: {usd} USD a month, {tokens} tokens, {rpm} questions a minute",
    "plan.choose": "{name} · {stars} ⭐ a month",
    "plan.free": "{name} · free",
    "plan.pay": "Plan **{plan}**: {stars} Stars a month, as a Telegram subscription; cancel any time.",
    "plan.pay_button": "Subscribe for {stars} ⭐",
    "plan.later": "Plan *{plan}* begins when this period ends, on {renews}.",
    "plan.changed": "You are on plan *{plan}* now.",
    "plan.same": "You are on that plan already.",
    "plan.cancel": "Cancel the subscription",
    "plan.resume": "Take the subscription up again",
    "plan.cancelled": "The subscription ends on {until}; until then everything stays as it is.",
    "plan.resumed": "The subscription goes on.",
    # money in
    "topup.choose": "**Top up your wallet** (now {wallet} USD). It pays for models asked by name, and for what the plan doesn't cover.",
    "topup.amount": "{usd} USD · {stars} ⭐",
    "topup.title": "{usd} USD for your wallet",
    "topup.description": "Adds {usd} USD to your Farthing wallet. Terms: /terms. Help: /paysupport.",
    "topup.agree": "Before your first payment, please read the /terms. Do you agree?",
    "topup.yes": "I agree",
    "topup.no_codes": "That code is not valid.",
    "payment.unknown": "This invoice is unknown. Please make a new one with /topup.",
    "payment.other": "This invoice was made for somebody else. Make your own with /topup.",
    "payment.amount": "The amount does not match the invoice. Please make a new one with /topup.",
    "payment.expired": "This invoice has expired. Please make a new one with /topup.",
    "payment.twice": "You have this subscription already.",
    "payment.credited": "Thank you! {usd} USD were added. Your wallet holds {wallet} USD.",
    "payment.plan": "Thank you! You are on plan *{plan}* until {until}.",
    "payment.refunded": "Your payment was refunded: {taken} USD were taken from the wallet, {owed} USD are owed.",
    # invoices
    "invoice.choose": "**Invoices**: press a month for its PDF and CSV.",
    "invoice.month": "{month} · {usd} USD",
    "invoice.none": "No invoice yet. Each month in which money moved gets one on the 1st of the next.",
    "invoice.caption": "Invoice {name} for {month}",
    # keys
    "keys.head": "**API keys** for your programs: OpenAI's protocol at `{url}/v1`.\n\n{lines}",
    "keys.none": "You have none yet.",
    "keys.line": "`{prefix}…` {name}: {used} tokens this month{limit}, last used {last}",
    "keys.limit": " of {limit}",
    "keys.never": "never",
    "keys.make": "➕ New key",
    "keys.revoke": "Revoke {prefix}…",
    "keys.made": (
        "Your new key, shown only this once:\n\n`{secret}`\n\nBase URL: `{url}/v1`, model `auto`. "
        "Delete this message when you have stored it."
    ),
    "keys.revoked": "Revoked: no program can use that key any more.",
    "keys.gone": "That key is revoked already.",
    "keys.many": "You have {count} keys, which is the most. Revoke one first.",
    "keys.limit_set": "That key may use {limit} tokens a month.",
    "keys.limit_off": "That key has no limit of its own any more.",
    "keys.usage": "/keys lists them; /keys limit PREFIX TOKENS bounds one (0: no bound).",
    # why
    "why.none": "No answer yet, so there is no receipt.",
    "why.head": "**Receipt** for *{model}*: {charge}, {seconds} s",
    "why.charge_wallet": "{usd} USD from your wallet",
    "why.charge_allowance": "{tokens} tokens from your plan",
    "why.charge_both": "{tokens} tokens from your plan and {usd} USD from your wallet",
    "why.charge_free": "nothing charged",
    "why.tokens": "\n{input} tokens in ({cached} cached), {output} out{estimated}.",
    "why.estimated": " (estimated: the provider did not say)",
    "why.tried": "\n\n**Asked, in this order**\n{lines}",
    "why.attempt": "{n}. {offer}: {outcome}, {seconds} s{cost}",
    "why.route": "\n\n**The cheapest first**\n{lines}",
    "why.dropped": "\n\n**Left out**\n{lines}",
    "why.gpt4o": "\n\nGPT-4o at list price: {usd} USD.",
    "why.cost": " · cost {usd} USD",
    "why.answered": "answered",
    "why.stopped": "stopped by you",
    # settings
    "settings.head": "**Settings**\n\nLanguage: {language}\nFooter with cost: {footer}\nMemory: {memory} messages\nStreaming: {stream}",
    "settings.on": "on",
    "settings.off": "off",
    "settings.draft": "growing drafts",
    "settings.edit": "edited messages",
    "settings.button_footer": "Footer on/off",
    "settings.button_stream": "Drafts/edits",
    "settings.button_memory": "Memory {n}",
    "export.done": "Everything I know about you.",
    "forget.sure": (
        "Delete all your conversations, stored replies, receipts and your name? Nothing brings them back.\n"
        "Money records stay, as the law wants, without your name. Your wallet and plan stay yours."
    ),
    "forget.kept": "Everything stays as it is.",
    "forget.yes": "Yes, delete",
    "forget.done": "Done: {n} messages are gone, and your name. What you paid stays in the books, under a number.",
    # duties
    "terms.text": (
        "**Terms**\n\n1. Answers come from AI models of several providers; they can be wrong. Check what matters.\n"
        "2. Tokens of your plan are for the period they were bought for; the wallet does not expire.\n"
        "3. An answer is charged once, for what was delivered, at the price shown by /model. A failed answer costs nothing.\n"
        "4. Unlawful use ends the account.\n"
        "5. Payments are in Telegram Stars. Refunds: /paysupport. Telegram support can't help with purchases here.\n\n"
        "Operator: {seller}"
    ),
    "privacy.text": (
        "**Privacy**\n\nYour prompt goes to the provider that answers it (/why names it) and is kept in this conversation until /new "
        "plus 30 days, or until /forget. The books keep numbers, never words. Logs hold no prompts. "
        "/export gives you everything, /forget deletes it.{free}"
    ),
    "privacy.free": "\n\nA free tier is in use: its provider may train on prompts.",
    "paysupport.text": (
        "**Help with payments**\n\nWrite what went wrong, with the date and the amount, to {contact}. "
        "We answer within two days and refund what was not delivered. Telegram support can't help with purchases here."
    ),
    # operators
    "admin.usage": "Usage: {usage}",
    "admin.no_tenant": "There is no tenant {id}.",
    "admin.bad_amount": "“{text}” is no amount; write it as 5 or 0.50.",
    "admin.no_plan": "There is no plan {plan}; there are {plans}.",
    "admin.tenant": (
        "**{name}** · tenant {id} · Telegram {telegram}\nPlan {plan}, {left} of {allowance} tokens left, renews {renews}\n"
        "Wallet {wallet} USD, held {held}, owed {owed}{banned}"
    ),
    "admin.banned": "\n**Banned**",
    "admin.tenants": "**{count} tenants**, the latest:\n\n{lines}",
    "admin.credited": "Credited. {name}'s wallet holds {wallet} USD.",
    "admin.plan_set": "{name} is on plan {plan}.",
    "admin.ban_done": "{name} is shut out.",
    "admin.unban_done": "{name} is let in again.",
    "admin.refund_unknown": "No payment has that charge id.",
    "admin.refund_done": "Refunded: {taken} USD taken from the wallet, {owed} USD owed.",
    "admin.refund_twice": "That payment was refunded before.",
    "admin.refund_failed": "Telegram refuses: {reason}. Nothing was booked.",
    "margin.head": "**Margin, the last {days} days**\n\nCharged {charge} USD + allowance worth {allowance} USD − cost {cost} USD − waste {waste} USD = **{margin} USD**{percent}\n\n{lines}",
    "margin.line": "{day} · {offer}: {prompts} answers, charged {charge}, cost {cost}, margin {margin}",
    "margin.percent": " · {percent} % of what was sold",
    "margin.stars": "\n\nStars in these days: {stars}, paid out at {payout} USD.\nStill to be served, so no income yet: {liability} USD (wallets {wallets}, what is left of plans {allowances}).",
    "margin.chart": "Margin, the last {days} days",
    "margin.sold": "Sold: wallets and plans",
    "margin.spent": "Cost and waste",
    "margin.days": "{days} days",
    "margin.none": "Nothing was answered in that time.",
    "providers.head": "**Providers**\n\n{lines}",
    "providers.line": "{mark} **{name}**: {state}{since}{reason}{latency}{price}",
    "providers.reason": ", {reason}",
    "providers.latency": ", first word in {ms} ms",
    "providers.price": ", {model} {input}/{output} USD per 1M",
    "providers.unconfigured": "\nNot configured: {names}",
    "providers.drain": "Drain {name}",
    "providers.resume": "Resume {name}",
    "providers.probe": "Probe {name}",
    "providers.probed": "{name} answers.",
    "providers.probe_failed": "{name} fails: {outcome}.",
    "providers.drained": "{name} gets no more prompts until you resume it.",
    "providers.resumed": "{name} is back in service.",
    "alerts.none": "No open incidents.",
    "alerts.head": "**Open incidents**\n\n{lines}",
    "alerts.line": "{subject}: {kind} since {since} UTC",
    "alerts.is_muted": " · muted until {until}",
    "alerts.is_acknowledged": " · somebody is on it",
    "alerts.mute": "Mute {subject} 1 h",
    "alerts.ack": "✓ {subject}",
    "incident.provider_down": "down",
    "incident.key_refused": "key refused",
    "incident.balance_gone": "balance gone",
    "incident.everything_down": "everything is down",
    "alerts.muted": "Muted for an hour.",
    "alerts.acknowledged": "Noted: you are on it.",
    # alerts of the clock
    "alert.provider_down": (
        "🔴 {provider} is down: {error}, {count} failures\n\nSince {since} UTC · last: {error}{status}{limited}\n"
        "It carried {share} % of the traffic. {now}{mend}{returned}"
    ),
    "alert.limited": "\nNot only timeouts: it also answered 429 (rate limit) {n} times. The limit may have been cut.",
    "alert.now": "Now {offer} answers, at {usd} USD a prompt.",
    "alert.nobody": "Nobody else can answer now!",
    "alert.provider_back": "🟢 {provider} is back after {minutes} min. Others answered {prompts} prompts meanwhile, for {cost} USD{more}.",
    "alert.more": " (the detour: {usd} USD)",
    "alert.key_refused": "\nIt refuses the key: mend it in the settings. It is asked again every minute, for free.",
    "alert.balance_gone": "\nIts balance is used up: top it up there. It is asked again every minute, for free.",
    "alert.one_key": "🔑 {provider} refuses one of its keys ({error}); the others serve. It is asked again every minute, for free.",
    "alert.returned": "\nIt came back and went down again: {n} times so far.",
    "alert.relapsed": "🔴 {subject} was back, and is down again: see above.",
    "alert.everything_down": "🚨 Everything is down: {what} Users are told, nothing is charged.\n{states}",
    "alert.failed_everywhere": "{count} prompts failed everywhere since {since} UTC.",
    "alert.all_rest": "every provider rests or is out.",
    "alert.everything_back": "🟢 Prompts are answered again, after {minutes} min.",
    "alert.limit_fell": "📉 {provider} answers 429 at {now} requests/min; it took {before} before. I stay under it.",
    "alert.price_changed": (
        "🏷 {offer} has a new price: {new} USD per 1M tokens in/out; it was {old}.\n"
        "At the last 7 days' usage: {more} USD a week in cost, margin {margin} → {after} USD."
    ),
    "digest.day": (
        "📒 **{day}**\n\n{prompts} answers · {tokens} tokens\n"
        "Charged {charge} USD + plans {allowance} USD − cost {cost} USD − waste {waste} USD = **{margin} USD**{percent}\n"
        "Failed attempts: {failures}{worst} · prompts that nobody answered: {unanswered}\n"
        "Stars: {stars}, paid out at {payout} USD · still to be served: {liability} USD\n\n"
        "**Top tenants**\n{tenants}\n\n**Incidents**\n{incidents}"
    ),
    "digest.quiet": "📒 {day}: a quiet day, nobody asked anything.",
    "alert.invoice_off": "📕 An invoice was not issued because the books disagree: {what}. Run the audit.",
    "alert.mute": "Mute 1 h",
    "alert.drain": "Drain",
    "alert.probe": "Probe",
    "alert.quota": "You have used {percent} % of your plan's tokens; {left} are left until {renews}.",
    "alert.quota_full": "Your plan's tokens are used up until {renews}. /topup adds money, /plan a larger plan.",
    "alert.wallet_low": "Your wallet is down to {wallet} USD.",
    "alert.renewed": "A new period of plan *{plan}* has begun.",
    "alert.lapsed": "Your plan was not renewed: you are on plan *{plan}* now. Your wallet stays.",
}
