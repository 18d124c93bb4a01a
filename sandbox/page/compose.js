// Writing: text, commands, files, replies.
import { $, ask, el } from "./dom.js";
import { preview } from "./chat.js";
import { chat, here, menuOf, sender, world } from "./store.js";

const TYPING_MS = 300;
let at = 0, sent = () => {}, look = () => {}, typing;
export function wire(afterTyping, afterSend) { look = afterTyping; sent = afterSend; }
// The prompt that is being written; a command is none.
export const typed = () => { const text = $("text").value.trim(); return text.startsWith("/") && !text.startsWith("/ask ") ? "" : text.replace(/^\/ask /, ""); };

export async function say(text) {
  text = text.trim();
  if (!text) return;
  $("text").value = "";
  grow(); hideMenu(); look();
  const replied = here.replyTo;
  replyTo(null);
  sent(text);
  await ask("send", { chat_id: here.chat, user_id: sender(), text, reply_to_message_id: replied?.message_id ?? null });
}

export function replyTo(message) {
  here.replyTo = message;
  $("replying").hidden = !message;
  if (message) { $("replying").firstElementChild.textContent = preview(message); $("text").focus(); }
}

export function showSenders() {
  const isGroup = chat().type !== "private";
  $("sender").hidden = !isGroup;
  $("sender").replaceChildren(...chat().members.map((id) => el("option", { value: id, selected: id === sender() }, world.users.get(id).first_name)));
  $("text").placeholder = isGroup ? "/ask something, or reply to the bot" : "Message";
}

function grow() {
  $("text").style.height = "auto";
  $("text").style.height = Math.min(160, $("text").scrollHeight) + "px";
  $("send").disabled = !$("text").value.trim();
}

function found() {
  const word = $("text").value;
  return /^\/\w*$/.test(word) ? menuOf().filter((each) => each.command.startsWith(word.slice(1))) : [];
}

function showMenu() {
  const list = found();
  at = Math.max(0, Math.min(at, list.length - 1));
  $("menu").hidden = !list.length;
  $("menu").replaceChildren(...list.map((each, n) => el("li", { role: "option", id: "command-" + n, "aria-selected": String(n === at), onclick: () => say("/" + each.command) }, el("b", {}, "/" + each.command), el("span", {}, each.description))));
  $("text").setAttribute("aria-activedescendant", list.length ? "command-" + at : "");
  $("menu").children[at]?.scrollIntoView({ block: "nearest" });
}

export function hideMenu() { $("menu").hidden = true; at = 0; }

function key(event) {
  const list = $("menu").hidden ? [] : found(), step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (list.length && step && !event.altKey) { event.preventDefault(); at += step; showMenu(); }
  else if (list.length && event.key === "Tab") { event.preventDefault(); $("text").value = `/${list[at].command} `; hideMenu(); grow(); }
  else if (event.key === "Escape") { hideMenu(); replyTo(null); }
  else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); say(list[at] ? "/" + list[at].command : $("text").value); }
}

async function upload() {
  const [file] = $("file").files;
  if (!file) return;
  const form = new FormData();
  for (const [name, value] of [["chat_id", here.chat], ["user_id", sender()], ["caption", $("text").value], ["file", file]]) form.append(name, value);
  $("text").value = ""; $("file").value = "";
  grow();
  await ask("upload", form);
}

$("text").addEventListener("input", () => { grow(); showMenu(); clearTimeout(typing); typing = setTimeout(look, TYPING_MS); });
$("text").addEventListener("keydown", key);
$("compose").addEventListener("submit", (event) => { event.preventDefault(); say($("text").value); });
$("slash").addEventListener("click", () => {
  if (!$("menu").hidden) return hideMenu();
  $("text").value = "/"; $("text").focus(); grow(); showMenu();
});
$("attach").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", upload);
$("sender").addEventListener("change", () => { here.as.set(here.chat, Number($("sender").value)); sent(""); });
$("replying").lastElementChild.addEventListener("click", () => replyTo(null));
document.addEventListener("paste", (event) => {
  const [file] = event.clipboardData?.files || [];
  if (file) { const list = new DataTransfer(); list.items.add(file); $("file").files = list.files; upload(); }
});
grow();
