// The chat in the middle: bubbles, keyboards, invoices, drafts.
import { $, alertBox, ask, confirmPay, el, toast } from "./dom.js";
import { richBody, wordsOf } from "./rich.js";
import { chat, here, isMine, sender, world } from "./store.js";
import { formatted } from "./text.js";

let say = () => {}, reply = () => {}, start = () => {}, openApp = () => {};
export function wire(actions) { ({ say, reply, start, openApp } = actions); }

export function showMessages() {
  $("log").replaceChildren(...chat().messages.map(node));
  if (!chat().messages.length) $("log").append(el("div", { class: "said empty" }, chat().type === "private" ? `Ask Farthing anything, as ${chat().title}. Type / for its commands.` : "Here the bot answers /ask, its name, and replies to it."));
  $("drafts").replaceChildren(...chat().drafts.map(draftBubble));
  scrollDown();
}

export function addMessage(message) {
  const follow = isAtEnd() || isMine(message);
  $("log").querySelector(".empty")?.remove();
  $("log").append(node(message));
  if (follow) scrollDown();
}

export function changeMessage(message) {
  const follow = isAtEnd();
  find(message.message_id)?.replaceWith(node(message));
  if (follow) scrollDown();
}

export function dropMessage(id) { find(id)?.remove(); }

export function showDraft(draft) {
  const follow = isAtEnd(), old = $("drafts").querySelector(`[data-draft="${draft.draft_id}"]`), made = draftBubble(draft);
  if (old) old.replaceWith(made); else $("drafts").append(made);
  if (follow) scrollDown();
}

export function dropDraft(id) { $("drafts").querySelector(`[data-draft="${id}"]`)?.remove(); }

// Follow a link of a button. One to the bot with a parameter opens the private chat and starts it there, as Telegram does.
function follow(url) {
  const begun = new RegExp(`^https://t\\.me/${world.me.username}\\?start=([\\w-]+)$`).exec(url);
  if (begun) start(sender(), begun[1]); else window.open(url, "_blank", "noopener");
}

export function callbackAnswered(event) {
  document.querySelectorAll(".keys button.busy").forEach((key) => key.classList.remove("busy"));
  if (event.user_id !== sender()) return;
  if (event.url) follow(event.url);
  if (!event.text) return;
  if (event.show_alert) alertBox(event.text); else toast(event.text);
}

const find = (id) => $("log").querySelector(`[data-id="${id}"]`);
const scroller = () => $("messages");
let pinned = true;
const isAtEnd = () => pinned;
const scrollDown = () => { scroller().scrollTop = scroller().scrollHeight; pinned = true; };
let height = 0;  // of the list when it was last measured: a scroll that a change of it causes says nothing
scroller().addEventListener("scroll", () => { if (scroller().clientHeight === height) pinned = scroller().scrollHeight - scroller().scrollTop - scroller().clientHeight < 80; });
// When the height of the message list changes (guide, keyboard, tab), keep the end in view if it was in view.
new ResizeObserver(() => { height = scroller().clientHeight; if (pinned) scrollDown(); }).observe(scroller());

function node(message) {
  if (message.successful_payment) return paidLine(message);
  if (message.refunded_payment) return el("div", { class: "said", "data-id": message.message_id }, `⭐ ${message.refunded_payment.total_amount} Stars refunded`);
  const side = isMine(message) ? " mine" : "";
  return el("div", { class: "turn" + side, "data-id": message.message_id }, bubble(message), keyboard(message));
}

function paidLine(message) {
  const paid = message.successful_payment;
  const again = paid.is_recurring ? el("button", { type: "button", onclick: () => ask("renew", { charge_id: paid.telegram_payment_charge_id }) }, "a month passes: renew") : null;
  return el("div", { class: "said", "data-id": message.message_id }, `⭐ ${paid.total_amount} Stars paid `, again);
}

function bubble(message) {
  const box = el("div", { class: "bubble" });
  if (chat().type !== "private" && !isMine(message)) box.append(el("div", { class: "name" }, message.from.first_name));
  if (message.reply_to_message) box.append(el("div", { class: "quote" }, preview(message.reply_to_message)));
  box.append(...media(message));
  const text = message.text || message.caption || "";
  if (text) box.append(el("div", { class: "body" }, formatted(text, message.entities || message.caption_entities, say)));
  if (message.rich_message) box.append(el("div", { class: "body" }, richBody(message.rich_message)));
  const clock = new Date(message.date * 1000).toTimeString().slice(0, 5);
  box.append(el("div", { class: "foot" },
    el("button", { type: "button", class: "reply", "aria-label": "Reply to this message", title: "Reply", onclick: () => reply(message) }, "↩"),
    el("time", {}, (message.edit_date ? "edited " : "") + clock)));
  return box;
}

export function preview(message) {
  const kind = message.photo ? "Photo" : message.document ? message.document.file_name : message.voice ? "Voice message" : message.invoice ? `Invoice: ${message.invoice.title}` : "";
  const stars = message.successful_payment || message.refunded_payment;
  const rich = message.rich_message ? wordsOf(message.rich_message) : "";
  return message.text || message.caption || rich || kind || (stars ? `⭐ ${stars.total_amount} Stars` : "…");
}

function media(message) {
  const files = message.sandbox?.file_urls || {}, out = [];
  if (message.photo) out.push(el("img", { src: files[message.photo.at(-1).file_id], alt: message.caption || "Photo", onload: () => { if (isAtEnd()) scrollDown(); } }));
  if (message.document) out.push(documentLink(message.document, files));
  if (message.voice) out.push(el("audio", { controls: true, src: files[message.voice.file_id] }));
  if (message.invoice) out.push(invoice(message));
  return out;
}

function documentLink(found, files) {
  const size = found.file_size < 1024 ? `${found.file_size} B` : `${(found.file_size / 1024).toFixed(1)} kB`;
  return el("a", { class: "document", href: files[found.file_id], download: found.file_name },
    el("span", { class: "document-icon", "aria-hidden": "true" }, "↓"), el("span", {}, el("b", {}, found.file_name), el("small", {}, size)));
}

function invoice(message) {
  const shown = message.invoice;
  const pay = el("button", { type: "button", class: "primary", onclick: () => payFor({ ...shown, period: 0 }, { message_id: message.message_id }) }, `Pay ⭐ ${shown.total_amount}`);
  return el("div", { class: "invoice" }, el("b", {}, shown.title), el("p", {}, shown.description), pay);
}

// Resolves to true when it is paid, false when the bot refuses it, null when the person does not pay.
export async function payFor(offer, which) {
  const payer = { chat_id: here.chat, user_id: sender() };
  if (!await confirmPay(offer)) return null;
  const done = await ask("pay", { ...payer, ...which });
  if (done.ok) toast(`⭐ ${offer.total_amount} Stars paid`);
  return Boolean(done.ok);
}

function keyboard(message) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows?.length || (message.invoice && rows.length === 1 && rows[0][0].pay)) return null;
  return el("div", { class: "keys" }, ...rows.map((row) => el("div", {}, ...row.map((key) => keyButton(message, key)))));
}

function keyButton(message, key) {
  const made = el("button", { type: "button", class: key.style || "", onclick: () => press(message, key, made) }, key.text, key.url ? el("span", { class: "away-mark", "aria-hidden": "true" }, " ↗") : null);
  return made;
}

async function press(message, key, made) {
  const link = /^https:\/\/t\.me\/\$(.+)$/.exec(key.url || "");
  if (link) {
    const offer = await ask("links/" + link[1]);
    if (offer.ok !== false) await payFor(offer, { link: link[1] });
  } else if (key.url) follow(key.url);
  else if (key.copy_text) { await navigator.clipboard?.writeText(key.copy_text.text); toast("Copied"); }
  else if (key.web_app) openApp();
  else {
    made.classList.add("busy");
    await ask("press", { chat_id: here.chat, user_id: sender(), message_id: message.message_id, data: key.callback_data });
    setTimeout(() => made.classList.remove("busy"), 3000);
  }
}

function draftBubble(draft) {
  const stop = draft.can_stop ? el("button", { type: "button", class: "stop", onclick: () => ask("stop", { chat_id: here.chat, draft_id: draft.draft_id }) }, "■ Stop") : null;
  const body = draft.text ? el("div", { class: "body" }, formatted(draft.text, draft.entities, say)) : el("div", { class: "thinking" }, "Thinking", el("i"), el("i"), el("i"));
  return el("div", { class: "turn draft", "data-draft": draft.draft_id }, el("div", { class: "bubble" }, body), stop);
}
