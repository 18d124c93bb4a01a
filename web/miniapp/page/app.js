// The page put together: what Telegram tells of itself, then one call, then tabs.
import { account } from "./account.js";
import { chats } from "./chats.js";
import { Refused, ask, forget, signIn, telegram } from "./ask.js";
import { $, dialog, el, fill, title } from "./dom.js";
import { invoices } from "./invoices.js";
import { keys } from "./keys.js";
import { tried } from "./lazy.js";
import { operatorPanel } from "./operator.js";
import { payments } from "./pay.js";
import { spend } from "./spend.js";
import { tenants } from "./tenants.js";
import { explained, speak, t } from "./words.js";

const STALE_MS = 30_000;
let current = "spend";
let loadedAt = 0;
let lazies = {}; // the panels that are fetched when they are first opened: name → [node, show]

function dress() {
  document.documentElement.dataset.scheme = telegram?.colorScheme ?? "";
}

async function load() {
  try {
    const mine = await ask("account");
    speak(mine.language);
    const all = mine.is_operator ? await ask("house") : null;
    loadedAt = Date.now();
    show(mine, all);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(explained(error), error.status === 403 || error.status === 401 ? null : load);
  }
  $("app").setAttribute("aria-busy", "false");
}

function notice(words, again = null) {
  $("account").hidden = $("tabs").hidden = $("foot").hidden = true;
  fill($("panels"));
  fill($("notice"), el("p", {}, words), again && el("button", { type: "button", class: "primary", onclick: again }, t("again")));
  $("notice").hidden = false;
}

function show(mine, all) {
  $("notice").hidden = true;
  fill($("account"), ...account(mine)).hidden = false;
  if (!lazies.pay) lazies = { pay: payments(load), chats: chats(), ...(all && { tenants: tenants() }) };
  const parts = {
    spend: () => spend(mine), pay: () => [lazies.pay[0]], chats: () => [lazies.chats[0]],
    keys: () => keys(mine, load), invoices: () => invoices(mine),
  };
  if (all) Object.assign(parts, { tenants: () => [lazies.tenants[0]], operator: () => operatorPanel(all, load) });
  if (!mine.has_payments) delete parts.pay;
  const names = Object.keys(parts);
  if (!names.includes(current)) current = names[0];
  const focused = document.activeElement?.getAttribute("role") === "tab" ? document.activeElement.id : null;
  fill($("tabs"), ...names.map((name) => tab(name, names))).hidden = false;
  if (focused) $(focused)?.focus();
  fill($("panels"), ...names.map((name) => panel(name, parts[name]())));
  fill($("foot"), el("button", { type: "button", class: "link", onclick: signOut }, t("sign_out"))).hidden = false;
}

async function signOut() {
  const sure = await dialog((close) => [
    title(t("sign_out")), el("p", {}, t("sign_out_sure")),
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close(false) }, t("cancel")),
      el("button", { type: "button", class: "primary", onclick: () => close(true) }, t("sign_out"))),
  ]);
  if (!sure || await tried(() => ask("sessions", { method: "DELETE" })) === undefined) return;
  forget();
  notice(t("signed_out"));
}

function tab(name, names) {
  const on = name === current;
  return el("button", {
    type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, "aria-selected": String(on), tabindex: on ? "0" : "-1",
    onclick: () => choose(name), onkeydown: (event) => move(event, name, names),
  }, t(`tab.${name}`));
}

function panel(name, content) {
  return el("div", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, hidden: name !== current }, ...content);
}

function choose(name) {
  current = name;
  for (const each of $("tabs").children) {
    const on = each.id === `tab-${name}`;
    each.setAttribute("aria-selected", String(on));
    each.tabIndex = on ? 0 : -1;
  }
  for (const each of $("panels").children) each.hidden = each.id !== `panel-${name}`;
  $(`tab-${name}`).scrollIntoView({ block: "nearest", inline: "nearest" });
  if (lazies[name] && !lazies[name][0].children.length) lazies[name][1]();
}

function move(event, name, names) {
  const at = names.indexOf(name);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + names.length, Home: 0, End: names.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  choose(names[to % names.length]);
  $(`tab-${names[to % names.length]}`).focus();
}

function speakAsTelegram() {
  speak(telegram?.initDataUnsafe?.user?.language_code ?? navigator.language);
}

async function begin() {
  speak(navigator.language);
  try {
    if (!await signIn()) return end(t("outside"));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    speakAsTelegram();
    return end(explained(error), error.status === 0 ? begin : null);
  }
  speakAsTelegram();
  if (telegram) {
    dress();
    telegram.onEvent?.("themeChanged", dress);
    telegram.ready();
    telegram.expand();
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !$("dialog").open && Date.now() - loadedAt > STALE_MS) load();
  });
  return load();
}

function end(words, again = null) {
  $("app").setAttribute("aria-busy", "false");
  notice(words, again);
}

begin();
