// API keys: made with limits, shown once, given a new secret, revoked.
import { ask } from "./ask.js";
import { dialog, el, list, title, toast } from "./dom.js";
import { tried } from "./lazy.js";
import { count, onDay } from "./shown.js";
import { t } from "./words.js";

const RATES = [1, 5, 10, 30, 60, 120];
const DAYS = [30, 90];
const LIMITS = [100_000, 1_000_000, 5_000_000, 10_000_000, 25_000_000];

export function keys(mine, reload) {
  const full = mine.keys.length >= mine.most_keys;
  return [el("section", { class: "card" },
    el("p", { class: "faint" }, t("keys.what")),
    el("p", {}, el("code", {}, new URL("v1", document.baseURI).href)),
    list(mine.keys.map((key) => line(key, reload)), t("keys.none")),
    el("button", { type: "button", id: "new-key", class: "primary", disabled: full, onclick: () => make(reload) }, t("keys.new")),
    full && el("p", { class: "faint" }, t("keys.full", { n: mine.most_keys })))];
}

function line(key, reload) {
  const used = key.tokens_per_month
    ? t("keys.used_of", { used: count(key.used_tokens), limit: count(key.tokens_per_month) })
    : t("keys.used", { used: count(key.used_tokens) });
  const last = key.last_used_at ? t("keys.last", { day: onDay(key.last_used_at) }) : t("keys.never");
  return el("li", { class: "wraps" },
    el("div", { class: "grow" },
      el("b", {}, key.name), el("code", {}, `${key.prefix}…`),
      el("small", {}, `${t("keys.made", { day: onDay(key.created_at) })} · ${last}`), el("small", {}, used), el("small", {}, limits(key))),
    el("button", { type: "button", class: "link", "aria-label": `${t("keys.rotate")}: ${key.name} ${key.prefix}`, onclick: () => rotate(key, reload) }, t("keys.rotate")),
    el("button", { type: "button", class: "link bad", "aria-label": `${t("keys.revoke")}: ${key.name} ${key.prefix}`, onclick: () => revoke(key, reload) }, t("keys.revoke")));
}

function limits(key) {
  return [
    key.requests_per_minute && t("keys.rate_of", { n: key.requests_per_minute }),
    key.models && key.models.join(", "),
    key.expires_at && t("keys.expires", { day: onDay(key.expires_at) }),
  ].filter(Boolean).join(" · ");
}

function choices(id, none, values, label) {
  return el("select", { id }, el("option", { value: "" }, none), ...values.map((each) => el("option", { value: String(each) }, label(each))));
}

async function make(reload) {
  const name = el("input", { id: "key-name", maxlength: 100, autocomplete: "off", placeholder: t("keys.name_hint") });
  const limit = choices("key-limit", t("keys.no_limit"), LIMITS, (each) => t("keys.a_month", { n: count(each) }));
  const rate = choices("key-rate", t("keys.no_limit"), RATES, (each) => t("keys.rate_of", { n: each }));
  const days = choices("key-days", t("keys.no_end"), DAYS, (each) => t("keys.in_days", { n: each }));
  const models = el("input", { id: "key-models", maxlength: 1000, autocomplete: "off", placeholder: "auto, smart" });
  const asked = await dialog((close) => {
    const form = el("form", { method: "dialog" },
      title(t("keys.new")),
      el("label", { for: "key-name" }, t("keys.name")), name,
      el("label", { for: "key-limit" }, t("keys.limit")), limit,
      el("label", { for: "key-rate" }, t("keys.rate")), rate,
      el("label", { for: "key-days" }, t("keys.expiry")), days,
      el("label", { for: "key-models" }, t("keys.models")), models,
      el("menu", {},
        el("button", { type: "button", class: "link", onclick: () => close(null) }, t("cancel")),
        el("button", { class: "primary" }, t("keys.create"))));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const named = models.value.split(/[\s,]+/).filter(Boolean);
      close({
        name: name.value,
        tokens_per_month: limit.value ? Number(limit.value) : null,
        requests_per_minute: rate.value ? Number(rate.value) : null,
        models: named.length ? named : null,
        expires_at: days.value ? new Date(Date.now() + Number(days.value) * 86_400_000).toISOString() : null,
      });
    });
    return [form];
  });
  if (!asked) return;
  const made = await tried(() => ask("keys", { method: "POST", body: asked }));
  if (made) await show(made);
  await reload();
}

function show(made) {
  return dialog((close) => {
    const secret = el("code", { id: "secret", class: "secret", tabindex: "0" }, made.key);
    return [
      title(t("keys.once_title")),
      el("p", {}, t("keys.once")),
      secret,
      el("menu", {},
        el("button", { type: "button", class: "link", onclick: () => close() }, t("done")),
        el("button", { type: "button", class: "primary", onclick: () => copy(secret) }, t("copy"))),
    ];
  });
}

async function copy(node) {
  try {
    await navigator.clipboard.writeText(node.textContent);
    toast(t("copied"));
  } catch {
    getSelection().selectAllChildren(node);
    toast(t("copy_by_hand"));
  }
}

async function rotate(key, reload) {
  const sure = await dialog((close) => [
    title(t("keys.rotate_title", { name: key.name })),
    el("p", {}, t("keys.rotate_sure", { prefix: key.prefix })),
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close(false) }, t("cancel")),
      el("button", { type: "button", class: "primary", onclick: () => close(true) }, t("keys.rotate"))),
  ]);
  if (!sure) return;
  const made = await tried(() => ask(`keys/${key.id}/rotate`, { method: "POST" }));
  if (made) await show(made);
  await reload();
}

async function revoke(key, reload) {
  const sure = await dialog((close) => [
    title(t("keys.revoke_title", { name: key.name })),
    el("p", {}, t("keys.revoke_sure", { prefix: key.prefix })),
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close(false) }, t("cancel")),
      el("button", { type: "button", class: "primary danger", onclick: () => close(true) }, t("keys.revoke"))),
  ]);
  if (!sure) return;
  if (await tried(() => ask(`keys/${key.id}`, { method: "DELETE" })) !== undefined) toast(t("keys.revoked"));
  await reload();
}
