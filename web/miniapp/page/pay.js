// Payments: top-ups in Stars, plans and the subscription, by the bot's rules and in its sentences.
import { Refused, ask, telegram } from "./ask.js";
import { dialog, el, list, title, toast } from "./dom.js";
import { lazy, tried } from "./lazy.js";
import { named } from "./shown.js";
import { t } from "./words.js";

const CREDITED_MS = [1500, 4000, 9000];

export function payments(reload) {
  return lazy(async (show) => {
    const seen = await ask("payments");
    const again = async () => { await reload(); await show(); };
    return [wallet(seen, again), plans(seen, again)];
  });
}

function wallet(seen, again) {
  const amount = el("input", { id: "amount", inputmode: "decimal", autocomplete: "off", maxlength: 40, "aria-describedby": "amount-range" });
  const form = el("form", { class: "line", onsubmit: (event) => { event.preventDefault(); topup(amount.value, again); } },
    amount, el("button", { class: "primary" }, t("pay.topup")));
  return el("section", { class: "card" },
    el("div", { class: "pair" }, el("h2", {}, t("pay.wallet")), el("b", { class: "big" }, seen.wallet)),
    seen.owed && el("p", { class: "bad" }, seen.owed),
    el("div", { class: "choices" }, ...seen.topups.map((each) =>
      el("button", { type: "button", class: "tile", onclick: () => topup(each.amount, again) }, each.text))),
    el("label", { for: "amount" }, t("pay.other")), form,
    el("p", { class: "faint", id: "amount-range" }, seen.range));
}

function plans(seen, again) {
  const sub = seen.subscription;
  return el("section", { class: "card" },
    el("h2", {}, t("pay.plans")),
    seen.next_plan && el("p", {}, seen.next_plan),
    sub && el("p", {}, sub.text),
    sub && (sub.can_cancel || sub.can_resume) && el("menu", { class: "line" },
      sub.can_cancel && el("button", { type: "button", class: "link bad", onclick: () => cancel(sub, again) }, t("pay.cancel")),
      sub.can_resume && el("button", { type: "button", class: "link", onclick: () => change("plan/resume", undefined, again) }, t("pay.resume"))),
    list(seen.plans.map((each) => plan(each, again)), ""));
}

function plan(each, again) {
  return el("li", { class: "wraps" },
    el("div", { class: "grow" },
      el("b", {}, named(each.name), each.is_current && el("span", { class: "pill answering" }, t("pay.current"))),
      el("small", {}, each.text)),
    each.label && el("button", { type: "button", class: "link", onclick: () => choose(each.name, again) }, each.label));
}

async function topup(amount, again) {
  const made = await agreeing(() => ask("topups", { method: "POST", body: { amount } }));
  if (made) await pay(made, t("pay.opened"), again);
}

async function choose(name, again) {
  const found = await change("plan", { plan: name }, again);
  if (!found || found.done) return;
  const way = await dialog((close) => [
    title(named(name)), el("p", {}, found.text),
    el("menu", { class: "stack" },
      ...found.ways.map((each) => el("button", { type: "button", class: "primary", onclick: () => close(each.pay) }, each.text)),
      el("button", { type: "button", class: "link", onclick: () => close(null) }, t("cancel"))),
  ]);
  if (!way) return;
  const made = await change("plan", { plan: name, pay: way }, again);
  if (made?.link) await pay(made, t("pay.opened"), again);
}

async function cancel(sub, again) {
  const sure = await dialog((close) => [
    title(t("pay.cancel")), el("p", {}, t("pay.cancel_sure")),
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close(false) }, t("cancel")),
      el("button", { type: "button", class: "primary danger", onclick: () => close(true) }, t("pay.cancel"))),
  ]);
  if (sure) await change("plan/cancel", undefined, again);
}

// Posts a change; shows the server's sentence where it is done.
async function change(path, body, again) {
  const found = await agreeing(() => ask(path, { method: "POST", body }));
  if (found?.done) { toast(found.text); await again(); }
  return found;
}

// Asks for the agreement to the terms where the server wants it first, then tries again.
async function agreeing(work) {
  return tried(async () => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "terms_not_agreed") throw error;
      if (!await agree()) return undefined;
      return work();
    }
  });
}

async function agree() {
  const terms = await ask("terms");
  const sure = await dialog((close) => [
    title(t("pay.terms")),
    el("div", { class: "scrolls", tabindex: "0" }, terms.text),
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close(false) }, t("cancel")),
      el("button", { type: "button", class: "primary", onclick: () => close(true) }, t("pay.agree"))),
  ]);
  if (sure) await ask("terms", { method: "POST" });
  return sure;
}

// Telegram's own window where the page is inside Telegram; links to Telegram in an ordinary browser.
async function pay(made, words, again) {
  if (telegram?.openInvoice && (telegram.isVersionAtLeast?.("6.1") ?? true)) {
    telegram.openInvoice(made.link, (status) => {
      if (status === "paid") { toast(t("pay.paid")); CREDITED_MS.forEach((wait) => setTimeout(again, wait)); }
      else if (status === "failed") toast(t("pay.failed"));
    });
    return;
  }
  const link = (href, words, kind) => el("a", { href, target: "_blank", rel: "noopener noreferrer", class: kind }, words);
  await dialog((close) => [
    title(t("pay.in_telegram")), el("p", {}, made.text), el("p", { class: "faint" }, words),
    el("menu", { class: "stack" },
      link(made.link, t("pay.open_invoice"), "primary"),
      link(made.bot_link, t("pay.open_bot"), "link"),
      el("button", { type: "button", class: "link", onclick: () => close() }, t("pay.then"))),
  ]);
  await again();
}
