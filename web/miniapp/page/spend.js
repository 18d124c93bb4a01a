// Spend of the period: a bar per day, coloured by model, and the models beneath; a bar, pressed, narrows them to its day.
import { el, fill } from "./dom.js";
import { count, daysBetween, onDay, short, sum, usd } from "./shown.js";
import { t } from "./words.js";

const COLOURS = 5;

export function spend(mine) {
  const rows = mine.spent;
  if (!rows.length) return [el("section", { class: "card" }, el("p", { class: "empty" }, t("spend.none")))];
  const models = byTokens(rows, "model");
  const order = (model) => models.findIndex((each) => each.name === model);
  const colour = (model) => (order(model) < COLOURS ? `c${order(model)}` : "c-rest");
  const days = daysBetween(mine.account.period_from.slice(0, 10), mine.today);
  const detail = el("div", { "aria-live": "polite" });
  const bars = el("div", { class: "bars", role: "group", "aria-label": t("spend.by_day") });
  const show = (day) => {
    for (const bar of bars.children) bar.setAttribute("aria-pressed", String(bar.dataset.day === day));
    fill(detail, ...details(rows.filter((row) => !day || row.day === day), day, colour, () => show(null)));
  };
  draw(bars, rows, days, { order, colour }, (day) => show(bars.querySelector(`[data-day="${day}"]`).getAttribute("aria-pressed") === "true" ? null : day));
  show(null);
  return [el("section", { class: "card" },
    el("div", { class: "pair" },
      el("div", {}, el("small", {}, t("spend.tokens")), el("b", { class: "big" }, count(total(rows)))),
      el("div", { class: "right" }, el("small", {}, t("spend.charged")), el("b", { class: "big" }, usd(sum(rows, "charge_usd"))))),
    bars,
    el("div", { class: "pair faint axis" }, el("span", {}, onDay(days[0])), el("span", {}, onDay(days.at(-1)))),
    detail)];
}

const total = (rows) => rows.reduce((all, row) => all + row.tokens, 0);

function byTokens(rows, key) {
  const groups = new Map();
  for (const row of rows) groups.set(row[key], [...(groups.get(row[key]) ?? []), row]);
  return [...groups].map(([name, of]) => ({ name, of, tokens: total(of), charge: sum(of, "charge_usd") }))
    .sort((a, b) => b.tokens - a.tokens || (a.name < b.name ? -1 : 1));
}

// Each bar has its models in the same order, the largest of the period at the bottom.
function draw(bars, rows, days, { order, colour }, pressed) {
  const most = Math.max(...days.map((day) => total(rows.filter((row) => row.day === day))), 1);
  for (const day of days) {
    const of = rows.filter((row) => row.day === day);
    const words = t("spend.bar", { day: onDay(day), tokens: count(total(of)), usd: usd(sum(of, "charge_usd")) });
    const models = byTokens(of, "model").sort((a, b) => order(a.name) - order(b.name));
    const pieces = models.map(({ name, tokens }) =>
      el("i", { class: colour(name), css: { height: `${Math.max(2, (100 * tokens) / most)}%` } }));
    const bar = el("button", { type: "button", "aria-label": words, title: words, "aria-pressed": "false", "data-day": day, onclick: () => pressed(day) }, ...pieces);
    bars.append(bar);
  }
}

function details(rows, day, colour, back) {
  const models = byTokens(rows, "model");
  const prompts = rows.reduce((all, row) => all + row.prompts, 0);
  const covered = rows.reduce((all, row) => all + row.allowance_tokens, 0);
  const head = day ? onDay(day) : t("spend.period");
  return [
    el("div", { class: "pair head" },
      el("h2", {}, head),
      day ? el("button", { type: "button", class: "link", onclick: back }, t("spend.all")) : null),
    rows.length
      ? el("ul", { class: "rows" }, ...models.map((each) => line(each, colour)))
      : el("p", { class: "empty" }, t("spend.none_that_day")),
    rows.length ? el("p", { class: "faint" }, t("spend.sum", { prompts: count(prompts), covered: short(covered) })) : null,
  ];
}

function line({ name, of, tokens, charge }, colour) {
  const providers = [...new Set(of.map((row) => row.provider))].join(", ");
  return el("li", {},
    el("i", { class: `dot ${colour(name)}`, "aria-hidden": "true" }),
    el("div", { class: "grow" }, el("b", {}, name), el("small", {}, providers)),
    el("div", { class: "right" }, el("span", {}, t("tokens", { n: tokens })), el("small", {}, charge ? usd(charge) : t("spend.by_plan"))));
}
