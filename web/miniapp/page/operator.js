// For operators: providers, this month's margin, incidents.
import { el, fill, list } from "./dom.js";
import { count, moment, nanos, onDay, price, span, sum, usd } from "./shown.js";
import { known, t } from "./words.js";

const SHOWN = 20;
const SHOWN_ODDS = 0.005;

export function operatorPanel(all) {
  return [incidents(all.incidents), providers(all.providers), margin(all.margin)];
}

function section(words, ...children) {
  return el("section", { class: "card" }, el("h2", {}, words), ...children);
}

function incidents(rows) {
  return section(t("operator.incidents"), list(rows.map((each) => {
    const open = !each.closed_at;
    const when = open ? t("operator.since", { at: moment(each.opened_at) }) : span(each.opened_at, each.closed_at);
    const notes = [each.acknowledged && t("operator.acknowledged"), each.muted_until && t("operator.muted", { at: moment(each.muted_until) })];
    return el("li", {},
      el("div", { class: "grow" },
        el("b", {}, each.subject),
        el("small", {}, [known(`incident.${each.kind}`, each.kind), when, ...notes.filter(Boolean)].join(" · "))),
      el("span", { class: `pill ${open ? "open" : "closed"}` }, t(open ? "operator.open" : "operator.closed")));
  }), t("operator.no_incidents")));
}

function providers(rows) {
  const live = rows.filter((row) => row.configured);
  const rest = rows.filter((row) => !row.configured).map((row) => row.name);
  return section(t("operator.providers"),
    list(live.map(provider), t("operator.no_providers")),
    rest.length > 0 && el("p", { class: "faint" }, t("operator.unconfigured", { names: rest.join(", ") })));
}

function provider(row) {
  const facts = [
    row.p50_first_token_ms && t("operator.first_word", { ms: count(row.p50_first_token_ms) }),
    row.chance_of_failure >= SHOWN_ODDS && t("operator.odds", { percent: Math.round(100 * row.chance_of_failure) }),
    row.requests_per_minute && t("operator.limit", { n: count(row.requests_per_minute) }),
    row.retry_after_seconds > 0 && t("operator.retry", { seconds: Math.ceil(row.retry_after_seconds) }),
    row.reason,
    ...row.free.map((each) => t("operator.free", { model: each.model, n: count(each.left_today) })),
  ];
  return el("li", {},
    el("div", { class: "grow" },
      el("b", {}, row.name),
      ...row.prices.slice(0, 3).map((each) => el("small", {}, t("operator.price", { model: each.model, input: price(each.input_usd_per_mtok), output: price(each.output_usd_per_mtok) }))),
      el("small", {}, facts.filter(Boolean).join(" · "))),
    el("span", { class: `pill ${row.status}` }, known(`state.${row.status}`, row.status)));
}

function margin({ data, totals }) {
  const body = el("tbody");
  const newest = [...data].reverse();
  const show = (rows) => fill(body, ...rows.map(marginRow));
  show(newest.slice(0, SHOWN));
  const more = el("button", { type: "button", class: "link", onclick: () => { show(newest); more.remove(); } }, t("operator.more", { n: newest.length - SHOWN }));
  const sold = nanos(totals.charge_usd) + nanos(totals.allowance_usd);
  return section(t("operator.margin"),
    el("div", { class: "tiles" },
      tile(t("operator.sold"), usd(sold)),
      tile(t("operator.cost"), usd(nanos(totals.cost_usd) + nanos(totals.waste_usd))),
      tile(t("operator.left"), usd(nanos(totals.margin_usd)), totals.margin_percent === null ? "" : `${totals.margin_percent.replace("-", "−")} %`)),
    el("p", { class: "faint" }, t("operator.more_totals", {
      waste: price(totals.waste_usd), stars: count(totals.stars_paid - totals.stars_refunded),
      payout: price(totals.stars_payout_usd), liability: price(totals.liability_usd) })),
    data.length
      ? el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, t("operator.offer")), el("th", {}, t("operator.sold")), el("th", {}, t("operator.cost")), el("th", {}, t("operator.left")))), body)
      : el("p", { class: "empty" }, t("operator.no_margin")),
    newest.length > SHOWN && more);
}

function tile(words, amount, beneath = "") {
  return el("div", {}, el("small", {}, words), el("b", {}, amount), beneath && el("small", {}, beneath));
}

function marginRow(row) {
  const left = nanos(row.margin_usd);
  return el("tr", {},
    el("th", { scope: "row" }, row.model, el("small", {}, `${onDay(row.day)} · ${row.provider}`)),
    el("td", {}, usd(sum([row], "charge_usd") + sum([row], "allowance_usd"))),
    el("td", {}, usd(sum([row], "cost_usd") + sum([row], "waste_usd"))),
    el("td", { class: left < 0n ? "bad" : "" }, usd(left)));
}
