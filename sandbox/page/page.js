"use strict";
// The sandbox's page: shows the local Telegram and the stand-in providers, and does what people do.
const $ = (id) => document.getElementById(id);
const COLOURS = ["#e17076", "#7bc862", "#65aadd", "#a695e7", "#ee7aae", "#6ec9cb"];
const PROMPT = "Explain compound interest to a ten-year-old, with a small table.";
const LABELS = { up: "up", down: "down", 429: "429", slow: "slow", cut: "cut", key_refused: "key" };
const TITLES = { up: "Answers", down: "Its plug is pulled", 429: "Answers 429: too many requests", slow: "No first word for a minute", cut: "Breaks off in mid-answer", key_refused: "Refuses the key" };
const world = { me: null, users: new Map(), chats: new Map(), providers: new Map(), commands: {} };
let current = null, replyTo = null, menuAt = 0, asked = 0;

function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
async function post(path, body) {
  try {
    const response = await fetch("/api/" + path, body instanceof FormData ? { method: "POST", body } : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    const answer = await response.json();
    if (!response.ok || answer.ok === false) toast(answer.error || "That did not work.");
    return answer;
  } catch { toast("The sandbox does not answer. Is it still running?"); return { ok: false }; }
}
let toastTimer;
function toast(text) {
  $("toast").textContent = text; $("toast").hidden = false;
  clearTimeout(toastTimer); toastTimer = setTimeout(() => { $("toast").hidden = true; }, 3500);
}

// --- formatted text: entities, in UTF-16 units, which is what JavaScript counts in -----------------
function formatted(text, entities = []) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return pieces(text, 0, text.length, sorted);
}
function pieces(text, start, end, entities) {
  const out = document.createDocumentFragment();
  let at = start;
  for (let i = 0; i < entities.length; i++) {
    const entity = entities[i], stop = Math.min(end, entity.offset + entity.length);
    if (entity.offset < at) continue;
    out.append(text.slice(at, entity.offset));
    const inner = entities.slice(i + 1).filter((e) => e.offset >= entity.offset && e.offset < stop);
    out.append(wrapped(entity, pieces(text, entity.offset, stop, inner), text.slice(entity.offset, stop)));
    at = stop;
  }
  out.append(text.slice(at, end));
  return out;
}
function wrapped(entity, inner, plain) {
  const tag = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", blockquote: "blockquote", expandable_blockquote: "blockquote" }[entity.type];
  if (entity.type === "pre") { const pre = el("pre", {}, inner); if (entity.language) pre.dataset.language = entity.language; return pre; }
  if (tag) return el(tag, {}, inner);
  if (entity.type === "spoiler") return el("span", { class: "spoiler", onclick: (e) => e.currentTarget.classList.add("open") }, inner);
  if (entity.type === "bot_command") return el("a", { href: "#", onclick: (e) => { e.preventDefault(); say(plain); } }, inner);
  const link = entity.type === "text_link" ? entity.url : entity.type === "url" ? plain : null;
  return link && /^(https?|tg|mailto):/.test(link) ? el("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, inner) : inner;
}

// --- the chat --------------------------------------------------------------------------------------
function bubble(message) {
  const mine = message.from.id !== world.me.id && (chat().type === "private" || message.from.id === sender());
  const files = (message.sandbox || {}).file_urls || {};
  if (message.successful_payment) return el("div", { class: "said", "data-id": message.message_id }, `⭐ ${message.successful_payment.total_amount} Stars paid`);
  if (message.refunded_payment) return el("div", { class: "said", "data-id": message.message_id }, `⭐ ${message.refunded_payment.total_amount} Stars refunded`);
  const box = el("div", { class: "bubble" + (mine ? " mine" : ""), "data-id": message.message_id });
  if (chat().type !== "private" && !mine) box.append(el("div", { class: "name" }, message.from.first_name));
  if (message.reply_to_message) box.append(el("div", { class: "quote" }, message.reply_to_message.text || "…"));
  if (message.photo) box.append(el("img", { src: files[message.photo.at(-1).file_id], alt: message.caption || "Photo", onload: scrollDown }));
  if (message.document) box.append(el("a", { href: files[message.document.file_id], download: message.document.file_name }, "📄 " + message.document.file_name));
  if (message.voice) box.append(el("span", {}, "🎤 voice message"));
  if (message.invoice) box.append(invoice(message));
  const text = message.text || message.caption || "";
  box.append(el("div", { class: "body" }, formatted(text, message.entities || message.caption_entities)));
  box.append(el("time", {}, (message.edit_date ? "edited " : "") + new Date(message.date * 1000).toTimeString().slice(0, 5)));
  if (chat().type !== "private") box.addEventListener("dblclick", () => { replyTo = message; showReply(); });
  return box;
}
function invoice(message) {
  const pay = el("button", { onclick: async () => { pay.disabled = true; const done = await post("pay", { chat_id: current, user_id: sender(), message_id: message.message_id }); if (!done.ok) pay.disabled = false; } }, `Pay ⭐ ${message.invoice.total_amount}`);
  return el("div", { class: "invoice" }, el("b", {}, message.invoice.title), message.invoice.description, el("div", {}, pay));
}
function keyboard(message) {
  const rows = (message.reply_markup || {}).inline_keyboard;
  if (!rows) return null;
  return el("div", { class: "keys", "data-keys": message.message_id }, ...rows.map((row) => el("div", {}, ...row.map((key) => el("button", { onclick: () => press(message, key) }, key.text)))));
}
function press(message, key) {
  const link = /^https:\/\/t\.me\/\$(.+)$/.exec(key.url || "");
  if (link) post("pay", { chat_id: current, user_id: sender(), link: link[1] });
  else if (key.url) window.open(key.url, "_blank", "noopener");
  else post("press", { chat_id: current, user_id: sender(), message_id: message.message_id, data: key.callback_data });
}
function draftBubble(draft) {
  const box = el("div", { class: "bubble draft", "data-draft": draft.draft_id }, el("div", { class: "body" }, formatted(draft.text || "", draft.entities)));
  if (draft.can_stop) box.append(el("button", { class: "stop", onclick: () => post("stop", { chat_id: current, user_id: sender(), draft_id: draft.draft_id }) }, "■ Stop"));
  return box;
}
const chat = () => world.chats.get(current);
const sender = () => (chat().type === "private" ? current : Number($("sender").value));
const scrollDown = () => { $("messages").scrollTop = $("messages").scrollHeight; };
function showMessages() {
  const nodes = [];
  for (const message of chat().messages) { nodes.push(bubble(message)); const keys = keyboard(message); if (keys) nodes.push(keys); }
  for (const draft of chat().drafts) nodes.push(draftBubble(draft));
  $("messages").replaceChildren(...nodes);
  scrollDown();
}
function showChats() {
  $("chat-list").replaceChildren(...[...world.chats.values()].map((each, n) => {
    const last = each.messages.at(-1), user = world.users.get(each.id);
    const role = each.type !== "private" ? "group" : user.is_admin ? "operator" : "";
    const item = el("li", { role: "option", tabIndex: 0, "aria-selected": String(each.id === current), onclick: () => open_(each.id), onkeydown: (e) => moveChat(e, n) },
      el("span", { class: "face", style: `background:${COLOURS[n % COLOURS.length]}`, "aria-hidden": "true" }, each.title[0]),
      el("span", { class: "who" }, el("b", {}, each.title + (role ? ` · ${role}` : "")), el("small", {}, last ? last.text || last.caption || "📎" : "no messages yet")));
    if (each.unread) item.append(el("span", { class: "dot", title: "unread" }));
    return item;
  }));
}
function moveChat(event, n) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) { event.preventDefault(); $("chat-list").children[n + step]?.focus(); }
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open_([...world.chats.keys()][n]); }
}
function open_(id) {
  current = id; replyTo = null; chat().unread = false; document.body.className = "";
  $("chat-title").textContent = chat().type === "private" ? `Farthing, as ${chat().title} sees it` : chat().title;
  $("chat-status").textContent = chat().type === "private" ? "bot" : "group: /ask, @" + world.me.username + ", or double-click a message to reply";
  $("sender").hidden = chat().type === "private";
  $("sender").replaceChildren(...chat().members.map((user) => el("option", { value: user }, world.users.get(user).first_name)));
  showChats(); showMessages(); showReply(); showHint(); $("text").focus();
}
function showHint() {
  const said = chat().messages.some((m) => m.from.id !== world.me.id), next = cheapest();
  $("hint").hidden = chat().id !== 1001 || asked > 1;
  if (!said) $("hint").replaceChildren(el("button", { id: "suggest", onclick: () => say(PROMPT) }, "Try: “" + PROMPT + "”"));
  else $("hint").replaceChildren(el("p", {}, next ? `Now pull ${next.name}'s plug (⚡ on the right) and ask again: another one answers.` : "Put a plug back in to go on."));
}

// --- writing -----------------------------------------------------------------------------------------
async function say(text) {
  text = text.trim();
  if (!text) return;
  $("text").value = ""; grow(); hideMenu();
  const reply = replyTo; replyTo = null; showReply();
  if (!text.startsWith("/")) asked += 1;
  await post("send", { chat_id: current, user_id: sender(), text, reply_to_message_id: reply ? reply.message_id : null });
  showHint();
}
function grow() { $("text").style.height = "auto"; $("text").style.height = Math.min(160, $("text").scrollHeight) + "px"; }
function showReply() { $("replying").hidden = !replyTo; if (replyTo) { $("replying").firstElementChild.textContent = replyTo.text || "…"; $("text").focus(); } }
function found() { const word = $("text").value; return /^\/\w*$/.test(word) ? (world.commands[sender()] || []).filter((c) => c.command.startsWith(word.slice(1))) : []; }
function showMenu() {
  const list = found(); menuAt = Math.min(menuAt, Math.max(0, list.length - 1)); $("menu").hidden = !list.length;
  $("menu").replaceChildren(...list.map((c, n) => el("li", { role: "option", "aria-selected": String(n === menuAt), onclick: () => say("/" + c.command) }, el("b", {}, "/" + c.command), el("span", {}, c.description))));
  $("menu").children[menuAt]?.scrollIntoView({ block: "nearest" });
}
function hideMenu() { $("menu").hidden = true; menuAt = 0; }
$("text").addEventListener("input", () => { grow(); showMenu(); });
$("text").addEventListener("keydown", (event) => {
  const open = !$("menu").hidden;
  if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) { event.preventDefault(); menuAt = Math.max(0, menuAt + (event.key === "ArrowDown" ? 1 : -1)); showMenu(); }
  else if (event.key === "Escape") { hideMenu(); replyTo = null; showReply(); }
  else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); const list = open ? found() : []; say(list[menuAt] ? "/" + list[menuAt].command : $("text").value); }
});
$("compose").addEventListener("submit", (event) => { event.preventDefault(); say($("text").value); });
$("slash").addEventListener("click", () => { $("text").value = "/"; $("text").focus(); showMenu(); });
$("replying").lastElementChild.addEventListener("click", () => { replyTo = null; showReply(); });
$("file").addEventListener("change", () => {
  if (!$("file").files.length) return;
  const form = new FormData();
  form.append("chat_id", current); form.append("user_id", sender()); form.append("caption", $("text").value); form.append("file", $("file").files[0]);
  $("text").value = ""; $("file").value = ""; post("upload", form);
});
$("to-chats").addEventListener("click", () => document.body.classList.toggle("chats"));
$("to-providers").addEventListener("click", () => document.body.classList.toggle("providers"));
$("messages").addEventListener("click", () => { document.body.className = ""; });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") document.body.className = ""; });

// --- providers ---------------------------------------------------------------------------------------
function price(provider) {
  const rows = ((provider.farthing || {}).prices || []).map((row) => ({ ...row, sum: Number(row.input_usd_per_mtok) + Number(row.output_usd_per_mtok) })).sort((a, b) => a.sum - b.sum);
  return rows[0] || null;
}
// What would answer next: the cheapest that is plugged in and not at rest, for a prompt of usual size.
function cheapest() {
  const able = [...world.providers.values()].filter((p) => p.mode === "up" && p.farthing && p.farthing.configured && p.farthing.state === "closed" && price(p));
  return able.sort((a, b) => cost(a) - cost(b))[0] || null;
}
const cost = (p) => { const row = price(p); return 300 * Number(row.input_usd_per_mtok) + 240 * Number(row.output_usd_per_mtok); };
function showProviders() {
  const next = cheapest(), pulled = [...world.providers.values()].some((p) => p.mode !== "up");
  $("plug").className = next ? "" : "out"; $("plug").lastElementChild.textContent = next ? `Pull the plug on ${next.name}` : "Put every plug back in";
  $("plug").onclick = async () => { if (next) await set(next.name, "down"); else for (const p of world.providers.values()) await set(p.name, "up"); showHint(); };
  $("provider-list").replaceChildren(...[...world.providers.values()].map((p) => {
    const state = (p.farthing || {}).state || "…", row = price(p), last = p.last_status ? ` · last ${p.last_status}` : "";
    return el("li", {},
      el("div", { class: "row" }, el("b", {}, p.name + (next && p.name === next.name ? " ← next" : "")), el("small", {}, `${p.calls} calls${last}`), el("span", { class: "state " + state, title: (p.farthing || {}).reason || "" }, state.replace("_", "-"))),
      el("div", { class: "price" }, row ? `${row.model}: $${row.input_usd_per_mtok} in, $${row.output_usd_per_mtok} out per 1M` : "not on offer"),
      el("div", { class: "switch", role: "group", "aria-label": "What " + p.name + " does" }, ...p.modes.map((mode) => el("button", { "data-mode": mode, title: TITLES[mode], "aria-pressed": String(p.mode === mode), onclick: () => set(p.name, mode) }, LABELS[mode] || mode))));
  }));
  $("plug").hidden = !next && !pulled;
}
async function set(name, mode) { const shown = await post("providers/" + name, { mode }); if (shown.name) { world.providers.set(name, shown); showProviders(); showHint(); } }

// --- what happens --------------------------------------------------------------------------------------
const on = {
  message(e) { const c = world.chats.get(e.chat_id); c.messages.push(e.message); if (e.chat_id === current) showMessages(); else c.unread = true; showChats(); if (e.chat_id === current) showHint(); },
  edit(e) { const c = world.chats.get(e.chat_id), at = c.messages.findIndex((m) => m.message_id === e.message.message_id); if (at >= 0) c.messages[at] = e.message; if (e.chat_id === current) showMessages(); },
  delete(e) { const c = world.chats.get(e.chat_id); c.messages = c.messages.filter((m) => m.message_id !== e.message_id); if (e.chat_id === current) showMessages(); },
  draft(e) { const c = world.chats.get(e.chat_id); c.drafts = [...c.drafts.filter((d) => d.draft_id !== e.draft.draft_id), e.draft]; if (e.chat_id === current) showDraft(e.draft); },
  draft_gone(e) { const c = world.chats.get(e.chat_id); c.drafts = c.drafts.filter((d) => d.draft_id !== e.draft_id); if (e.chat_id === current) document.querySelector(`[data-draft="${e.draft_id}"]`)?.remove(); },
  action(e) { if (e.chat_id === current) { $("chat-status").textContent = "typing…"; setTimeout(() => { $("chat-status").textContent = "bot"; }, 5000); } },
  callback_answer(e) { if (e.chat_id !== current || !e.text) return; if (e.show_alert) { $("alert").firstElementChild.textContent = e.text; $("alert").showModal(); } else toast(e.text); },
  commands(e) { world.commands = e.commands; },
  provider(e) { world.providers.set(e.provider.name, e.provider); showProviders(); },
  paid() { toast("Paid ⭐"); },
};
function showDraft(draft) { const old = document.querySelector(`[data-draft="${draft.draft_id}"]`), made = draftBubble(draft); if (old) old.replaceWith(made); else $("messages").append(made); scrollDown(); }
async function load() {
  const state = await (await fetch("/api/state")).json();
  world.me = state.me; world.commands = state.commands;
  world.users = new Map(state.users.map((u) => [u.id, u]));
  world.chats = new Map(state.chats.map((c) => [c.id, c]));
  world.providers = new Map(state.providers.map((p) => [p.name, p]));
  if (!world.chats.has(current)) current = state.chats[0].id;
  showProviders(); open_(current);
}
async function refresh() { try { const state = await (await fetch("/api/state")).json(); world.providers = new Map(state.providers.map((p) => [p.name, p])); world.commands = state.commands; showProviders(); } catch { /* the event stream says so */ } }
let wait = 500;
function listen() {
  const events = new EventSource("/api/events");
  events.onopen = () => { wait = 500; load(); };
  events.onmessage = (e) => { const event = JSON.parse(e.data); on[event.type]?.(event); };
  events.onerror = () => { events.close(); $("chat-status").textContent = "The sandbox is away; trying again…"; setTimeout(listen, wait); wait = Math.min(8000, wait * 2); };
}
listen();
setInterval(refresh, 2500);
