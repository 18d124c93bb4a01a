// Conversations: found, read, renamed, resumed in the chat, deleted.
import { ask, telegram } from "./ask.js";
import { dialog, el, fill, list, title, toast } from "./dom.js";
import { lazy, tried } from "./lazy.js";
import { formatted } from "./markdown.js";
import { moment, onDay } from "./shown.js";
import { t } from "./words.js";

export function chats() {
  let search = "";
  return lazy(async (show) => {
    const found = await ask(`conversations?search=${encodeURIComponent(search)}`);
    const rows = el("div", {}, list(found.data.map((each) => line(each, show)), search ? t("chats.not_found", { words: search }) : t("chats.none")));
    const field = el("input", { id: "chat-search", type: "search", value: search, maxlength: 200, autocomplete: "off", placeholder: t("chats.words") });
    const form = el("form", { class: "line", role: "search", onsubmit: async (event) => { event.preventDefault(); search = field.value.trim(); await show(); document.getElementById("chat-search")?.focus(); } },
      field, el("button", { class: "primary" }, t("find")));
    return [el("section", { class: "card" },
      el("label", { for: "chat-search" }, t("chats.search")), form, rows, more(found.next, rows, show))];
  });
}

function more(next, rows, show) {
  if (!next) return null;
  const button = el("button", { type: "button", class: "link", onclick: async () => {
    const found = await tried(() => ask(`conversations?cursor=${next}`));
    if (!found) return;
    rows.firstElementChild.append(...found.data.map((each) => line(each, show)));
    button.replaceWith(more(found.next, rows, show) ?? "");
  } }, t("chats.older"));
  return button;
}

function line(each, show) {
  return el("li", {}, el("button", { type: "button", class: "opens grow", onclick: () => open(each, show) },
    el("b", {}, each.title, each.is_open && el("span", { class: "pill answering" }, t("chats.is_open"))),
    el("small", {}, `${onDay(each.last_at)} · ${t("chats.questions", { n: each.questions })}`)));
}

async function open(each, show) {
  const found = await tried(() => ask(`conversations/${each.id}`));
  if (!found) return show();
  const action = await dialog((close) => {
    const log = el("div", { class: "scrolls log", tabindex: "0" });
    let first = found.older;
    const older = el("button", { type: "button", class: "link", hidden: !first, onclick: async () => {
      const before = await tried(() => ask(`conversations/${each.id}?cursor=${first}`));
      if (!before) return;
      first = before.older;
      older.hidden = !first;
      older.after(...before.messages.map(bubble));
    } }, t("chats.older_messages"));
    fill(log, older, ...found.messages.map(bubble));
    requestAnimationFrame(() => { log.scrollTop = log.scrollHeight; });
    return [
      title(found.title),
      log,
      el("menu", { class: "wraps" },
        el("button", { type: "button", class: "link", onclick: () => close(null) }, t("close")),
        el("button", { type: "button", class: "link", onclick: () => close("rename") }, t("chats.rename")),
        el("button", { type: "button", class: "link bad", onclick: () => close("delete") }, t("chats.delete")),
        el("button", { type: "button", class: "primary", onclick: () => close("resume") }, t("chats.resume"))),
    ];
  }, "wide");
  if (action) await { rename, delete: remove, resume }[action](found, show);
}

function bubble(message) {
  const mine = message.role === "user";
  return el("div", { class: mine ? "said mine" : "said" },
    el("small", {}, `${t(mine ? "chats.you" : "chats.bot")} · ${moment(message.at)}`), mine ? el("p", {}, message.text) : formatted(message.text));
}

async function rename(found, show) {
  const name = el("input", { id: "chat-name", maxlength: 60, autocomplete: "off", value: found.title });
  const asked = await dialog((close) => [el("form", { method: "dialog", onsubmit: (event) => { event.preventDefault(); close(name.value.trim()); } },
    title(t("chats.rename")), el("label", { for: "chat-name" }, t("chats.name")), name,
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close(null) }, t("cancel")),
      el("button", { class: "primary" }, t("save"))))]);
  if (asked && await tried(() => ask(`conversations/${found.id}`, { method: "PUT", body: { title: asked } }))) await show();
}

async function remove(found, show) {
  const sure = await dialog((close) => [
    title(t("chats.delete_title")), el("p", {}, t("chats.delete_sure", { title: found.title })),
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close(false) }, t("cancel")),
      el("button", { type: "button", class: "primary danger", onclick: () => close(true) }, t("chats.delete"))),
  ]);
  if (!sure) return;
  if (await tried(() => ask(`conversations/${found.id}`, { method: "DELETE" })) !== undefined) toast(t("chats.deleted"));
  await show();
}

async function resume(found, show) {
  const done = await tried(() => ask(`conversations/${found.id}/resume`, { method: "POST" }));
  if (!done) return;
  if (telegram?.close) { toast(done.text); return telegram.close(); }
  await dialog((close) => [
    title(t("chats.resumed")), el("p", {}, done.text),
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close() }, t("close")),
      done.link && el("a", { class: "primary", href: done.link, target: "_blank", rel: "noopener noreferrer" }, t("chats.open_chat"))),
  ]);
  await show();
}
