// The sandbox's page: the local Telegram and the stand-in providers.
import { $, ask, el, face } from "./dom.js";
import * as conversation from "./chat.js";
import * as compose from "./compose.js";
import * as guide from "./guide.js";
import * as miniapp from "./miniapp.js";
import * as providers from "./providers.js";
import { chat, here, take, takeProviders, world } from "./store.js";

const LOOK_AGAIN_MS = 2500, LONGEST_WAIT_MS = 8000, ACTION_MS = 5000;
let wait = 500, actionTimer;

function showChats() {
  const focused = document.activeElement?.closest?.("#chat-list") ? document.activeElement.dataset.chat : null;
  $("chat-list").replaceChildren(...[...world.chats.values()].map(chatItem));
  if (focused) document.querySelector(`[data-chat="${focused}"]`)?.focus();
}

function chatItem(each, n) {
  const last = each.messages.at(-1), user = world.users.get(each.id);
  const role = each.type !== "private" ? "group" : user.is_admin ? "operator" : user.language_code === "vi" ? "in Vietnamese" : "";
  const words = last ? conversation.preview(last) : "no messages yet";
  return el("li", {}, el("button", { type: "button", "data-chat": each.id, "aria-current": each.id === here.chat ? "true" : "false", onclick: () => open(each.id), onkeydown: (event) => moveFocus(event, n) },
    face(el("span", { class: "face", "aria-hidden": "true" }), each.title, n),
    el("span", { class: "who" }, el("b", {}, each.title, role ? el("small", {}, role) : null), el("span", {}, words)),
    each.unread ? el("span", { class: "unread", "aria-label": `${each.unread} unread` }, String(each.unread)) : null));
}

function moveFocus(event, n) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.altKey) return;
  event.preventDefault();
  $("chat-list").children[n + step]?.firstElementChild.focus();
}

function open(id) {
  here.chat = id;
  chat().unread = 0;
  compose.replyTo(null);
  $("open-app").hidden = chat().type !== "private";
  const isGroup = chat().type !== "private", n = [...world.chats.keys()].indexOf(id);
  $("chat-title").textContent = isGroup ? chat().title : "Farthing";
  face($("chat-face"), isGroup ? chat().title : "¼", isGroup ? n : 5);
  showStatus(); compose.showSenders(); compose.hideMenu(); showChats(); conversation.showMessages(); guide.showGuide();
  showTab("chat");
  $("text").focus();
}

function showStatus() {
  $("chat-status").textContent = chat().type === "private" ? `bot · you are ${chat().title}` : `group of ${chat().members.length} and the bot`;
}

function showTab(name) {
  document.body.dataset.tab = name;
  for (const tab of $("tabs").children) tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
}

// --- events --------------------------------------------------------------------------------------------
const happenings = {
  message(event, to) {
    to.messages.push(event.message);
    if (to === chat()) conversation.addMessage(event.message); else if (event.message.from.id === world.me.id) to.unread += 1;
    showChats();
  },
  edit(event, to) {
    const at = to.messages.findIndex((m) => m.message_id === event.message.message_id);
    if (at >= 0) to.messages[at] = event.message;
    if (to === chat()) conversation.changeMessage(event.message);
    showChats();
  },
  delete(event, to) {
    to.messages = to.messages.filter((m) => m.message_id !== event.message_id);
    if (to === chat()) conversation.dropMessage(event.message_id);
    showChats();
  },
  draft(event, to) {
    to.drafts = [...to.drafts.filter((d) => d.draft_id !== event.draft.draft_id), event.draft];
    if (to === chat()) conversation.showDraft(event.draft);
  },
  draft_gone(event, to) {
    to.drafts = to.drafts.filter((d) => d.draft_id !== event.draft_id);
    if (to === chat()) conversation.dropDraft(event.draft_id);
  },
  action(_, to) {
    if (to !== chat()) return;
    $("chat-status").textContent = "typing…";
    clearTimeout(actionTimer);
    actionTimer = setTimeout(showStatus, ACTION_MS);
  },
  callback_answer(event, to) { if (to === chat()) conversation.callbackAnswered(event); },
  commands(event) { world.commands = event.commands; },
  provider(event) { providers.hear(event.provider); providers.showProviders(); },
};

function hear(event) {
  if (!world.me) return;  // the state, which is being fetched, will have it
  happenings[event.type]?.(event, world.chats.get(event.chat_id));
  guide.showGuide();
}

function listen() {
  const events = new EventSource("/api/events");
  events.onopen = async () => { wait = 500; take(await ask("state")); providers.showProviders(); open(here.chat); };
  events.onmessage = (event) => hear(JSON.parse(event.data));
  events.onerror = () => {
    events.close();
    $("chat-status").textContent = "The sandbox does not answer; trying again…";
    setTimeout(listen, wait);
    wait = Math.min(LONGEST_WAIT_MS, wait * 2);
  };
}

async function lookAgain() {
  if (document.hidden || !here.chat) return;
  const prompt = compose.typed();
  const seen = await fetch("/api/providers?prompt=" + encodeURIComponent(prompt)).then((answer) => answer.json()).catch(() => null);
  if (!seen || prompt !== compose.typed()) return;
  takeProviders(seen); providers.showProviders(); guide.showGuide();
}

function shortcut(event) {
  const step = event.altKey ? { ArrowDown: 1, ArrowUp: -1 }[event.key] : 0, ids = [...world.chats.keys()];
  if (step) { event.preventDefault(); open(ids[(ids.indexOf(here.chat) + step + ids.length) % ids.length]); }
  else if (event.key === "Escape" && !document.querySelector("dialog[open]")) { showTab("chat"); $("text").focus(); }
}

const say = (text) => { showTab("chat"); return compose.say(text); };
const start = (user, parameter) => { open(user); return say("/start " + parameter); };
conversation.wire({ say, reply: compose.replyTo, start, openApp: miniapp.openApp });
miniapp.wire({ start });
compose.wire(lookAgain, (text) => { guide.asked(text); if (!text) conversation.showMessages(); guide.showGuide(); });
providers.wire(guide.showGuide);
guide.wire({ say });
for (const tab of $("tabs").children) tab.addEventListener("click", () => showTab(tab.dataset.tab));
document.addEventListener("keydown", shortcut);
showTab("chat");
listen();
setInterval(lookAgain, LOOK_AGAIN_MS);
