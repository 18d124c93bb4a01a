"""English: commands and alerts for operators."""

TEXTS = {
    "command.providers": "Providers: health, prices, controls",
    "command.tenants": "List or search tenants: [TEXT]",
    "command.tenant": "Show one tenant: ID, @username or name",
    "command.credit": "Credit a wallet: ID USD",
    "command.setplan": "Change a tenant's plan: ID PLAN",
    "command.ban": "Block a tenant: ID",
    "command.unban": "Unblock or admit a tenant: ID",
    "command.margin": "Charges, costs and margin: [DAYS]",
    "command.alerts": "Open incidents",
    "command.refund": "Refund a payment: CHARGE_ID",
    "command.code": "Make top-up codes: USD [N]",
    "command.invite": "Make invitation codes: [N]",
    "command.access": "People waiting for access",
    "command.log": "Who changed what: [ID]",
    "command.jobs": "Latest runs of the jobs",
    "command.broadcast": "Send a message to everyone: TEXT",
    "help.admin": "\n**For operators**\n",
    "providers.head": "**Providers**\n\n{lines}",
    "providers.line": "{mark} **{name}**: {status}{reason}{latency}{price}{more}",
    "providers.is_answering": "answering",
    "providers.is_failing": "failing ({percent} % of attempts{since})",
    "providers.since": ", since {at} UTC",
    "providers.is_resting": "resting until {until} UTC",
    "providers.is_out": "out of service until the fault is fixed",
    "providers.is_drained_by": "drained by {by}",
    "providers.is_drained": "drained",
    "providers.page": "its status page says: {said}",
    "providers.offer_rests": "{model} is resting until {until} UTC",
    "providers.offer_fails": "{model} failed at its latest attempts",
    "providers.offer_out": "{model} is out of service until the fault is fixed",
    "providers.offers_more": "{n} more do not answer",
    "providers.limit": ", limit {n} a minute",
    "providers.free": ", free tier of {model}: {n} left today",
    "providers.reason": ", {reason}",
    "providers.latency": ", first token after {ms} ms",
    "providers.price": ", {model} {input:price}/{output:price} per 1M",
    "providers.unconfigured": "\nNot configured: {names}",
    "providers.drain": "Drain {name}",
    "providers.resume": "Resume {name}",
    "providers.probe": "Probe {name}",
    "providers.probed": "{name} answers.",
    "providers.probe_failed": "{name} fails: {outcome}.",
    "providers.drained": "{name} gets no prompts until you resume it.",
    "providers.resumed": "{name} is back in service.",
    "admin.usage": "Usage: {usage}",
    "admin.no_tenant": "No tenant is {id}: neither by tenant id, Telegram id, @username nor name. /tenants lists them.",
    "admin.bad_amount": "“{text}” is not an amount above zero. Write it as 5 or 0.50.",
    "admin.no_plan": "There is no plan {plan}. The plans are: {plans}.",
    "admin.tenant": (
        "**{name}** · tenant {id} · Telegram {telegram}\nPlan {plan}, {left} of {allowance} tokens left, renews {renews}\n"
        "Wallet {wallet}, held {held}, owed {owed}{banned}"
    ),
    "admin.banned": "\n**Banned**",
    "admin.tenant_more": "\nJoined {since}, {access}{blocked} · terms {terms} · API keys: {keys}\nThis month: answers {prompts}, charged {charged}, cost {cost}",
    "admin.access_in": "has access",
    "admin.access_pending": "waiting for access",
    "admin.access_declined": "declined",
    "admin.blocked": ", has blocked the bot",
    "admin.subscription": "\nSubscription to {plan}: {state}, until {until}",
    "admin.subscription_active": "active",
    "admin.subscription_canceled": "cancelled",
    "admin.subscription_failed": "payment failed",
    "admin.payment": "\n{day}: {stars} ⭐ `{charge}`{refunded}",
    "admin.payment_refunded": " (refunded)",
    "admin.mark_banned": " · banned",
    "admin.mark_pending": " · waiting",
    "admin.mark_declined": " · declined",
    "admin.older": "Older ▸",
    "admin.tenants": "**Tenants: {count}**, newest first:\n\n{lines}",
    "admin.yes": "Yes, do it",
    "admin.nothing_done": "Nothing was changed.",
    "admin.bad_change": "“{text}” is not an amount. Write it as 5, 0.50, or -2 to take from the wallet; at most 1000000.",
    "admin.credit_sure": "Add {amount} to {name}'s wallet? It holds {wallet} now.",
    "admin.debit_sure": "Take {amount} from {name}'s wallet? It holds {wallet} now; the part that it lacks is owed.",
    "admin.debited": "Taken. {name}'s wallet holds {wallet}, {owed} is owed.",
    "admin.plan_sure": "Move {name} from plan {before} to plan {plan}?",
    "admin.ban_sure": "Block {name}? The bot and the API then refuse every request of this tenant. The wallet keeps its {wallet}; you can undo it.",
    "admin.refund_sure": "Refund {stars} ⭐ to {name}? The wallet holds {wallet}; the part that it lacks is owed.",
    "admin.credited": "Credited. {name}'s wallet holds {wallet}.",
    "admin.plan_set": "{name} is on plan {plan}.",
    "admin.ban_done": "{name} is blocked.",
    "admin.unban_done": "{name} has access again.",
    "admin.refund_unknown": "No payment has that charge id. /tenant ID lists a tenant's payments.",
    "admin.refund_done": "Refunded: {taken} was taken from the wallet, {owed} is owed.",
    "admin.refund_failed": "Telegram refuses the refund: {reason}. Nothing was booked.",
    "admin.several": "Several tenants fit {text}; use the id:\n\n{lines}",
    "admin.found": "**Found**\n\n{lines}",
    "admin.undo": "Undo",
    "admin.yourself": "This is your own account.",
    "admin.ban_operator": "{name} is an operator: operators are not blocked. Take the id out of ADMIN_IDS first.",
    "admin.last_error": "\nLast error: {outcome} at {where}, {at} UTC",
    "admin.button_keys": "API keys",
    "admin.button_plan": "Plan",
    "admin.button_ban": "Block",
    "admin.button_unban": "Unblock",
    "admin.button_log": "Log",
    "admin.refresh": "Refresh",
    "admin.back": "◂ Back",
    "admin.plans": "{name} is on plan {plan}. Move to:",
    "admin.keys": "**API keys of {name}**\n\n{lines}",
    "admin.no_keys": "This tenant has no API keys.",
    "admin.revoke": "Revoke {prefix}…",
    "admin.revoke_sure": "Revoke key {prefix}…? Programs that use it are refused at once. It can't be undone; a new key can be made.",
    "admin.revoked": "Key {prefix}… is revoked.",
    "log.head": "**Operators' actions**, newest first:\n\n{lines}",
    "log.line": "{at} {by}: {action}{tenant}{detail}",
    "log.tenant": ", tenant {id}",
    "log.admin_key": "the admin key",
    "log.empty": "No operator has changed anything yet.",
    "jobs.head": "**Jobs** (times in UTC)\n\n{lines}",
    "jobs.none": "No job has run yet.",
    "jobs.line": "{mark} {name}: {at}, {state}{late}",
    "jobs.took": "took {ms} ms",
    "jobs.running": "running",
    "jobs.failed": "failed: {error}",
    "jobs.late": ", {seconds} s late",
    "broadcast.missed": " {missed} could not be reached: {names}.",
    "access.asked": "**{name}**{username} (tenant {id}) asks to use the bot.",
    "access.accept": "Accept",
    "access.refuse": "Refuse",
    "access.let_in": "{name} now has access.",
    "access.turned_away": "{name} was declined.",
    "access.decided": "This was already decided.",
    "access.list": "**Waiting for access** (mode: {mode})\n\n{lines}\n\n/unban ID admits a person.",
    "access.nobody": "Nobody is waiting.",
    "code.made": "{count} × {usd}. Each code works once and is shown only now. To redeem one: /topup CODE\n\n{lines}",
    "invite.made": "Invitations: {count}. Each is for one person and is shown only now:\n\n{lines}",
    "broadcast.usage": "Write the text after the command, as one message: /broadcast We are back.",
    "broadcast.sure": "{count} {count:person|people} will get this:\n\n{text}",
    "broadcast.send": "Send to {count}",
    "broadcast.begun": "Sending. I'll tell you when it is done.",
    "broadcast.dropped": "Cancelled: no one got it.",
    "broadcast.decided": "This was already decided.",
    "broadcast.text": "{text}",
    "broadcast.done": "Your broadcast is done: {sent} got it.{missed}",
    "margin.head": (
        "**Margin over {days} {days:day|days}**\n\nCharged {charge} + plan tokens worth {allowance} − cost {cost} − "
        "waste {waste} = **{margin}**{percent}\n\n{lines}"
    ),
    "margin.line": "{day} · {offer}: answers {prompts}, charged {charge}, cost {cost}, margin {margin}",
    "margin.percent": " · {percent} % of sales",
    "margin.stars": "\n\nStars in this time: {stars}, paid out at {payout}.\nNot yet earned: {liability} (wallets {wallets}, unused plan tokens {allowances}).",
    "margin.chart": "Margin over {days} {days:day|days}",
    "margin.sold": "Sold: wallets and plans",
    "margin.spent": "Cost and waste",
    "margin.days": "{days} days",
    "margin.none": "No answers in this time.",
    "alerts.none": "No open incidents.",
    "alerts.head": "**Open incidents**\n\n{lines}",
    "alerts.line": "{subject}: {kind} since {since} UTC",
    "alerts.is_muted": " · muted until {until}",
    "alerts.is_acknowledged": " · acknowledged",
    "alerts.mute": "Mute {subject} 1 h",
    "alerts.ack": "✓ {subject}",
    "alerts.muted": "Muted for an hour.",
    "alerts.acknowledged": "Acknowledged: you are handling it.",
    "incident.provider_down": "down",
    "incident.key_refused": "key refused",
    "incident.balance_gone": "balance used up",
    "incident.everything_down": "everything is down",
    "incident.offer_down": "model down",
    "incident.offer_avoided": "model avoided",
    "incident.offer_slow": "slow",
    "incident.balance_low": "balance low",
    "incident.database_slow": "slow database",
    "incident.disk_low": "disk nearly full",
    "incident.clock_wrong": "wrong clock",
    "incident.other_poller": "another process polls this bot",
    "cap.day": "day",
    "cap.month": "month",
    "alert.provider_down": (
        "🔴 {provider} is down: {error}, {count} {count:failure|failures}\n\nSince {since} UTC · last: {error}{status}{limited}\n"
        "It carried {share} % of the traffic. {now}{mend}{page}{returned}"
    ),
    "alert.limited": "\nIt also answered 429 (rate limit) {n} {n:time|times}, so its limit may have been reduced.",
    "alert.now": "Now {offer} answers, at {usd} a prompt.",
    "alert.nobody": "No other provider can answer now!",
    "alert.provider_back": "🟢 {provider} is back after {minutes} min. Meanwhile others answered {prompts} {prompts:prompt|prompts} for {cost}{more}.",
    "alert.more": " (extra cost of the detour: {usd})",
    "alert.key_refused": "\nIt refuses the API key: replace it in the settings. It is probed every minute, at no cost.",
    "alert.balance_gone": "\nIts balance is used up: top it up there. It is probed every minute, at no cost.",
    "alert.one_key": "🔑 {provider} refuses one of its API keys ({error}); the other keys still work. The key is probed every minute, at no cost.",
    "alert.returned": "\nIt came back and went down again: {n} {n:time|times} so far.",
    "alert.relapsed": "🔴 {subject} came back and is down again: see above.",
    "alert.everything_down": "🚨 Everything is down: {what} Users are told, and nothing is charged.\n{states}",
    "alert.failed_everywhere": "{count} {count:prompt|prompts} failed at every provider since {since} UTC.",
    "alert.all_rest": "every provider is resting or out of service.",
    "alert.model_rests": "every offer of {models} is resting or out of service.",
    "alert.everything_back": "🟢 Prompts are answered again, after {minutes} min.",
    "alert.offer_avoided": (
        "🟡 {offer} is avoided: {percent} % of its attempts fail ({error})\n\nCounted over the 5 minutes since {since} UTC. It is not down, "
        "so it is still asked where it is expected to be cheaper.\nThe detour costs about {usd} a day: wasted attempts, and dearer answers by others.{returned}"
    ),
    "alert.offer_preferred": "🟢 {offer} answers reliably again, after {minutes} min.",
    "alert.limit_fell": "📉 {offer} answers 429 at {now} requests/min; it took {before} before. I now stay under it.",
    "alert.price_unreadable": (
        "🏷 The price of {offer} can't be read exactly. The offer is left out "
        'until the catalogue has a readable price or [prices."{offer}"] in farthing.toml sets one.'
    ),
    "alert.usage_disputed": (
        "🧮 {offer} reports usage that contradicts itself: its parts and its total disagree ({count} {count:answer|answers} within the "
        "last hour). The larger number is booked, in tokens and in cost. Compare with the provider's bill."
    ),
    "alert.price_changed": (
        "🏷 {offer} has a new price: {new_input:price}/{new_output:price} per 1M tokens in/out; it was {old_input:price}/{old_output:price}.\n"
        "At the usage of the last 7 days, the cost of a week changes by {more}, and its margin from {margin} to {after}."
    ),
    "alert.invoice_off": "📕 An invoice was not issued because the books disagree: {what}. Run `python -m main audit`.",
    "alert.wrong_admin_keys": (
        "🔐 {n} wrong admin keys came within a minute. While this goes on, wrong keys are refused with 429; "
        "the right ADMIN_API_KEY always works. If you did not mistype it, it may be an attempt to guess it."
    ),
    "alert.page": "\nIts status page says: {said}",
    "alert.offer_slow": (
        "🐢 {offer} is slow: of 20 answers one waits {now_ms} ms or longer for its first word; in the week before it was {usual_ms} ms.\n\n"
        "It is asked less where waiting costs more than another offer. Nothing needs to be done, unless it stays so: then drain it."
    ),
    "alert.offer_slow_over": "🟢 {offer} is as fast as usual again, after {minutes} min.",
    "alert.balance_low": "🪫 {provider} has {balance} left; you asked to be told below {least}.{lasts}\n\nTop it up there: once it is used up, other providers answer, at their prices.",
    "alert.lasts": " At last week's spending that lasts {days} {days:day|days}.",
    "alert.balance_cny": "¥{amount}",
    "alert.balance_up": "🔋 {provider} was topped up: {balance} are there now.",
    "alert.margin_low": (
        "🟠 {model} earns less than your floor of {floor} % today: {prompts} {prompts:answer|answers} sold for {sold} cost {cost}, a margin of {margin}.\n\n"
        "/margin shows it by day; a higher usd_per_mtok or markup, or cheaper offers, would mend it."
    ),
    "alert.anomaly": (
        "📈 {name} (tenant {id}) used {tokens} tokens in the last hour, in {answers} {answers:answer|answers}; usual is {usual}. Charged: {charge}.\n\n"
        "It may be a program in a loop or a stolen key. /tenant {id} has buttons to revoke keys or block."
    ),
    "alert.database_slow": (
        "🐌 The database is slow: a small write took {seconds} s. Answers wait for it.\n\n"
        "Look at the load of its disk and machine; on PostgreSQL, for a transaction that holds a lock."
    ),
    "alert.database_slow_over": "🟢 The database is as fast as usual again, after {minutes} min.",
    "alert.disk_low": (
        "💾 The disk is nearly full: {megabytes} MB are free; you asked to be told below {least} MB. Without space nothing can be booked, so no "
        "question could be answered.\n\nMake room, or move the database or the backups: DATABASE_URL, and folder in [backup]."
    ),
    "alert.disk_low_over": "🟢 The disk has space again, after {minutes} min.",
    "alert.clock_wrong": (
        "🕰 This machine's clock is {off}, compared with Telegram's. Prices by the hour, plan periods and the days of the books follow it.\n\n"
        "Switch on time synchronisation: `timedatectl set-ntp true`."
    ),
    "alert.clock_slow": "{seconds} s slow",
    "alert.clock_fast": "{seconds} s fast",
    "alert.clock_wrong_over": "🟢 This machine's clock is right again, after {minutes} min.",
    "alert.other_poller": (
        "👯 Another process polls this bot (seen at {since} UTC): each message reaches one of the two, so answers may be missing.\n\n"
        "Stop the other process. If you don't know it, revoke the token with @BotFather and set the new one."
    ),
    "alert.other_poller_over": "🟢 No other process polls this bot any more, after {minutes} min.",
    "alert.scheduler_late": (
        "⏰ No jobs ran for {minutes} min, from {since} to {until} UTC: the service was stopped, or the machine was overloaded or asleep. "
        "Alerts about that time come only now."
    ),
    "alert.group": "{sections}",
    "alert.providers": "All providers",
    "alert.mute": "Mute 1 h",
    "alert.drain": "Drain",
    "alert.probe": "Probe",
    "alert.audit": "⚖️ **The books do not balance**: the nightly audit found {n} {n:problem|problems}.\n{rules}\nRun `python -m main audit` to see the rows.",
    "alert.backup": "💾 **The nightly backup failed**: {error}",
    "alert.cap_near": "🟠 Provider spending has reached {percent} % of the cap for this {per}: {spent} of {most}. At the cap, new questions are refused.",
    "alert.cap_full": (
        "🔴 Provider spending has reached the cap for this {per}: {spent} of {most} ({percent} %). "
        "New questions are refused until the {per} ends or you raise the cap in [house]."
    ),
    "alert.model_loses": (
        "🟠 {model} has lost {lost} today; its max_loss_usd_per_day is {most}. "
        "Until 00:00 UTC, offers that cost more than they charge are left out. "
        "Where no other offer is left, new questions are refused."
    ),
    "alert.farming": (
        "🟠 {count} new {count:account|accounts} within an hour: the free plan may be abused. "
        '/tenants shows them; [access] mode = "approval" lets you approve each new account.'
    ),
    "alert.stars_credited": "🟠 Telegram lists a payment that had not reached the bot; it is credited now: {stars} ⭐ `{charge}`.",
    "alert.stars_refunded": "🟠 Telegram lists a refund that had not reached the bot; it is booked now: {stars} ⭐ `{charge}`.",
    "alert.stars_amount": "🔴 A payment differs: Telegram says {stars} ⭐, the books say {ours} ⭐ `{charge}`. Nothing was changed.",
    "alert.stars_unknown": "🟠 Telegram lists a payment that belongs to no one in the books: {stars} ⭐ `{charge}`. Nothing was booked.",
    "alert.stars_more": "… and {count} more like these, {stars} ⭐ in total. The log lists each one.",
    "alert.stars_unlisted": "🔴 Telegram does not list a payment or refund that is in the books: {ours} ⭐ `{charge}`.",
    "alert.subscription_goes_on": "🟠 Telegram refuses to cancel the replaced subscription of user {user} to {plan} (`{charge}`). Stars that it still collects go to the wallet.",
    "digest.day": (
        "📒 **{day}**\n\nAnswers: {prompts} · tokens: {tokens}\n"
        "Charged {charge} + plans {allowance} − cost {cost} − waste {waste} = **{margin}**{percent}\n"
        "Failed attempts: {failures}{worst} · unanswered prompts: {unanswered}\n"
        "Stars: {stars}, paid out at {payout} · not yet earned: {liability}\n\n**Top tenants**\n{tenants}\n\n**Incidents**\n"
        "{incidents}"
    ),
    "digest.tenant": "• {name}: {prompts} {prompts:answer|answers} · {tokens} tokens · {usd}",
    "digest.incident": "• {subject}: {kind}, {since}–{until} UTC",
    "digest.quiet": "📒 {day}: a quiet day, no one asked anything.",
}
