// For operators: tenants found by name, @username or id, and the card of one, with ban and credit.
import { ask } from "./ask.js";
import { dialog, el, list, title, toast } from "./dom.js";
import { lazy, tried } from "./lazy.js";
import { named } from "./shown.js";
import { known, t } from "./words.js";

export function tenants() {
  let search = "";
  return lazy(async (show) => {
    const found = await ask(`tenants?search=${encodeURIComponent(search)}`);
    const rows = el("div", {}, list(found.data.map((each) => line(each, show)), t("tenants.not_found", { words: search })));
    const field = el("input", { id: "tenant-search", type: "search", value: search, maxlength: 200, autocomplete: "off", placeholder: t("tenants.words") });
    const form = el("form", { class: "line", role: "search", onsubmit: async (event) => { event.preventDefault(); search = field.value.trim(); await show(); document.getElementById("tenant-search")?.focus(); } },
      field, el("button", { class: "primary" }, t("find")));
    return [el("section", { class: "card" },
      el("label", { for: "tenant-search" }, t("tenants.search", { n: found.count })), form, rows, more(found.next, rows, show))];
  });
}

function more(next, rows, show) {
  if (!next) return null;
  const button = el("button", { type: "button", class: "link", onclick: async () => {
    const found = await tried(() => ask(`tenants?cursor=${next}`));
    if (!found) return;
    rows.firstElementChild.append(...found.data.map((each) => line(each, show)));
    button.replaceWith(more(found.next, rows, show) ?? "");
  } }, t("tenants.older"));
  return button;
}

const pill = (each) => each.state !== "in" && el("span", { class: "pill warned" }, known(`tenants.${each.state}`, each.state));

function line(each, show) {
  return el("li", {}, el("button", { type: "button", class: "opens grow", onclick: () => card(each.id, show) },
    el("b", {}, each.name, pill(each)),
    el("small", {}, [each.username && `@${each.username}`, named(each.plan), each.wallet].filter(Boolean).join(" · "))));
}

async function card(id, show) {
  const found = await tried(() => ask(`tenants/${id}`));
  if (!found) return show();
  const barred = found.state !== "in";
  const action = await dialog((close) => [
    title(found.name),
    el("p", { class: "faint" }, [found.username && `@${found.username}`, t("tenants.id", { id: found.id }), found.telegram_user_id && t("tenants.telegram", { id: found.telegram_user_id })].filter(Boolean).join(" · "), pill(found)),
    el("dl", { class: "scrolls facts", tabindex: "0" },
      ...fact(t("plan"), named(found.plan)), ...fact(t("wallet"), found.wallet),
      ...found.facts.flatMap((each) => fact(t(`tenant.${each.name}`), each.value)),
      ...fact(t("tenant.keys"), found.keys.join(", ") || t("tenant.no_keys"))),
    el("menu", { class: "wraps" },
      el("button", { type: "button", class: "link", onclick: () => close(null) }, t("close")),
      !found.is_operator && el("button", { type: "button", class: barred ? "link" : "link bad", onclick: () => close(barred ? "unban" : "ban") }, t(found.state === "banned" ? "tenants.unban" : barred ? "tenants.admit" : "tenants.ban")),
      el("button", { type: "button", class: "primary", onclick: () => close("credit") }, t("tenants.credit"))),
  ], "wide");
  if (!action) return;
  await { ban, unban, credit }[action](found);
  await show();
  await card(id, show);
}

const fact = (name, value) => [el("dt", {}, name), el("dd", {}, value)];

async function ban(found) {
  const sure = await dialog((close) => [
    title(t("tenants.ban_title", { name: found.name })), el("p", {}, t("tenants.ban_sure", { wallet: found.wallet })),
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close(false) }, t("cancel")),
      el("button", { type: "button", class: "primary danger", onclick: () => close(true) }, t("tenants.ban"))),
  ]);
  if (sure && await tried(() => ask(`tenants/${found.id}/ban`, { method: "POST" }))) toast(t("tenants.is_banned"));
}

async function unban(found) {
  if (await tried(() => ask(`tenants/${found.id}/unban`, { method: "POST" }))) toast(t("tenants.is_open"));
}

// Asks for the amount, then to confirm it. The key of this dialog makes a repeated press book once.
async function credit(found) {
  const amount = el("input", { id: "credit", autocomplete: "off", maxlength: 40, required: true });
  const asked = await dialog((close) => [el("form", { method: "dialog", onsubmit: (event) => { event.preventDefault(); close(amount.value.trim()); } },
    title(t("tenants.credit_title", { name: found.name })),
    el("label", { for: "credit" }, t("tenants.amount")), amount,
    el("p", { class: "faint" }, t("tenants.amount_hint")),
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close(null) }, t("cancel")),
      el("button", { class: "primary" }, t("tenants.go_on"))))]);
  if (!asked) return;
  const key = crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint32Array(4)), (each) => each.toString(16)).join("-");
  const sure = await dialog((close) => [
    title(t("tenants.credit_title", { name: found.name })),
    el("p", {}, t("tenants.credit_sure", { amount: asked, wallet: found.wallet })),
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close(false) }, t("cancel")),
      el("button", { type: "button", class: "primary", onclick: () => close(true) }, t("tenants.book"))),
  ]);
  if (!sure) return;
  const booked = await tried(() => ask(`tenants/${found.id}/credits`, { method: "POST", body: { amount: asked }, headers: { "idempotency-key": key } }));
  if (booked) toast(t("tenants.credited", { wallet: booked.wallet }));
}
