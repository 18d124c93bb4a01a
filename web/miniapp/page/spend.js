// Spending of the period: a bar per day, coloured by model, in tokens or in money, and the models beneath.
import { chart, colour, ends, mark } from "./chart.js";
import { breakable, el, fill } from "./dom.js";
import { onDay } from "./shown.js";
import { t } from "./words.js";

let unit = "tokens";

export function spend(mine) {
  const { whole, days } = mine.spending;
  if (!whole.models.length) return [el("section", { class: "card" }, el("p", { class: "empty" }, t("spend.none")))];
  const box = el("section", { class: "card" });
  draw(box, mine.spending, null);
  return [box];
}

function draw(box, spending, day) {
  const { whole, days } = spending;
  const picture = chart({
    days: days.map((each) => bar(each)),
    axis: spending[unit],
    label: t(unit === "tokens" ? "spend.by_day" : "spend.money_by_day"),
    pressed: (pressed) => draw(box, spending, pressed === day ? null : pressed),
  });
  mark(picture, day);
  const hadFocus = box.contains(document.activeElement) ? document.activeElement.dataset : {};
  fill(box,
    el("div", { class: "pair" },
      el("div", {}, el("small", {}, t("spend.tokens")), el("b", { class: "big" }, whole.tokens)),
      el("div", { class: "right" }, el("small", {}, t("spend.worth")), el("b", { class: "big" }, whole.money))),
    el("div", { class: "choice", role: "group", "aria-label": t("spend.unit") }, ...Object.entries({ tokens: "spend.in_tokens", money: "spend.in_money" }).map(([each, words]) =>
      el("button", { type: "button", "data-unit": each, "aria-pressed": String(each === unit), onclick: () => { unit = each; draw(box, spending, day); } }, t(words)))),
    picture,
    ends(onDay(days[0].day), onDay(days.at(-1).day)),
    el("div", { "aria-live": "polite" }, ...details(day ? days.find((each) => each.day === day) : whole, day, () => draw(box, spending, null))));
  const again = hadFocus.day ? `[data-day="${hadFocus.day}"]` : hadFocus.unit ? `[data-unit="${hadFocus.unit}"]` : null;
  if (again) box.querySelector(again)?.focus();
}

function bar(each) {
  const pieces = each.models.map((model) => ({ height: unit === "tokens" ? model.token_height : model.money_height, class: colour(model.colour) }));
  return { day: each.day, words: t("spend.bar", { day: onDay(each.day), tokens: each.tokens, usd: each.money }), pieces };
}

function details(of, day, back) {
  return [
    el("div", { class: "pair head" },
      el("h2", {}, day ? onDay(day) : t("spend.period")),
      day && el("button", { type: "button", class: "link", onclick: back }, t("spend.all"))),
    of.models.length
      ? el("ul", { class: "rows" }, ...of.models.map(line))
      : el("p", { class: "empty" }, t("spend.none_that_day")),
    of.models.length > 0 && el("p", { class: "faint" }, t("spend.sum", { prompts: of.prompts, covered: of.covered })),
  ].filter(Boolean);
}

function line(model) {
  return el("li", {},
    el("i", { class: `dot ${colour(model.colour)}`, "aria-hidden": "true" }),
    el("div", { class: "grow" }, el("b", {}, ...breakable(model.name)), el("small", {}, model.providers.join(", "))),
    el("div", { class: "right" }, el("span", {}, t("tokens", { n: model.token_height })), el("small", {}, model.by_plan ? t("spend.by_plan", { usd: model.money }) : model.money)));
}
