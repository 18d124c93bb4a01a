// For operators: incidents, providers with their buttons, this month's margin.
import { ask } from "./ask.js";
import { chart, colour, ends, mark } from "./chart.js";
import { dialog, el, fill, list, title, toast } from "./dom.js";
import { tried } from "./lazy.js";
import { count, moment, onDay, span } from "./shown.js";
import { known, t } from "./words.js";

const SHOWN_ODDS = 0.005;

export function operatorPanel(all, reload) {
  return [incidents(all.incidents, reload), providers(all, reload), margin(all.shown)];
}

function section(words, ...children) {
  return el("section", { class: "card" }, el("h2", {}, words), ...children);
}

// Posts an action, shows its sentence, and reads everything anew.
async function act(path, reload, button) {
  button.disabled = true;
  const done = await tried(() => ask(path, { method: "POST" }));
  button.disabled = false;
  if (done) toast(done.text);
  await reload();
}

function action(words, name, path, reload) {
  const button = el("button", { type: "button", class: "link", "aria-label": `${words}: ${name}`, onclick: () => act(path, reload, button) }, words);
  return button;
}

function incidents(rows, reload) {
  return section(t("operator.incidents"), list(rows.map((each) => {
    const open = !each.closed_at;
    const when = open ? t("operator.since", { at: moment(each.opened_at) }) : span(each.opened_at, each.closed_at);
    const notes = [each.acknowledged && (each.acknowledged_by ? t("operator.acknowledged_by", { name: each.acknowledged_by }) : t("operator.acknowledged")), each.muted_until && t("operator.muted", { at: moment(each.muted_until) })];
    return el("li", { class: "wraps" },
      el("div", { class: "grow" },
        el("b", {}, each.subject, el("span", { class: `pill ${open ? "open" : "closed"}` }, t(open ? "operator.open" : "operator.closed"))),
        el("small", {}, [known(`incident.${each.kind}`, each.kind), when, ...notes.filter(Boolean)].join(" · "))),
      open && !each.acknowledged && action(t("operator.acknowledge"), each.subject, `incidents/${each.id}/acknowledge`, reload),
      open && !each.muted_until && action(t("operator.mute"), each.subject, `incidents/${each.id}/mute`, reload));
  }), t("operator.no_incidents")));
}

function providers(all, reload) {
  const words = new Map(all.words.map((each) => [each.name, each]));
  const live = all.providers.filter((row) => row.configured);
  const rest = all.providers.filter((row) => !row.configured).map((row) => row.name);
  return section(t("operator.providers"),
    list(live.map((row) => provider(row, words.get(row.name), reload)), t("operator.no_providers")),
    rest.length > 0 && el("p", { class: "faint" }, t("operator.unconfigured", { names: rest.join(", ") })));
}

function provider(row, words, reload) {
  const facts = [
    row.p50_first_token_ms && t("operator.first_word", { ms: count(row.p50_first_token_ms) }),
    row.chance_of_failure >= SHOWN_ODDS && row.status === "answering" && t("operator.odds", { percent: Math.round(100 * row.chance_of_failure) }),
    row.requests_per_minute && t("operator.limit", { n: count(row.requests_per_minute) }),
    !words?.drained && row.reason, // else the pill says who drained it
    ...row.free.map((each) => t("operator.free", { model: each.model, n: count(each.left_today) })),
  ];
  return el("li", { class: "wraps" },
    el("div", { class: "grow" },
      el("b", {}, row.name, el("span", { class: `pill ${row.status}` }, words?.words ?? known(`state.${row.status}`, row.status))),
      ...(words?.prices ?? []).slice(0, 3).map((each) => el("small", {}, t("operator.price", each))),
      el("small", {}, facts.filter(Boolean).join(" · ")),
      ...(words?.lines ?? []).map((each) => el("small", { class: "warned" }, each))),
    words?.drained
      ? action(t("operator.resume"), row.name, `providers/${row.name}/resume`, reload)
      : el("button", { type: "button", class: "link", "aria-label": `${t("operator.drain")}: ${row.name}`, onclick: (event) => drain(row.name, reload, event.target) }, t("operator.drain")),
    action(t("operator.probe"), row.name, `providers/${row.name}/probe`, reload));
}

async function drain(name, reload, button) {
  const sure = await dialog((close) => [
    title(t("operator.drain_title", { name })), el("p", {}, t("operator.drain_sure")),
    el("menu", {},
      el("button", { type: "button", class: "link", onclick: () => close(false) }, t("cancel")),
      el("button", { type: "button", class: "primary", onclick: () => close(true) }, t("operator.drain"))),
  ]);
  if (sure) await act(`providers/${name}/drain`, reload, button);
}

function margin(shown) {
  const tiles = el("div", { class: "tiles" },
    tile(t("operator.sold"), shown.sold), tile(t("operator.cost"), shown.spent),
    tile(t("operator.left"), shown.margin, shown.percent === null ? "" : `${shown.percent} %`));
  const more = el("p", { class: "faint" }, t("operator.more_totals", { waste: shown.waste, stars: shown.stars, payout: shown.payout, liability: shown.liability }));
  if (!shown.models.length) return section(t("operator.margin"), tiles, more, el("p", { class: "empty" }, t("operator.no_margin")));
  const picked = el("p", { class: "faint", "aria-live": "polite" }, t("operator.press_day"));
  const picture = chart({
    days: shown.days.map((each) => ({
      day: each.day, words: words(each),
      pieces: [{ height: each.sold_height, class: "earned" }, { height: each.spent_height, class: "spent" }],
    })),
    axis: shown.axis, label: t("operator.by_day"), beside: true,
    pressed: (day) => { mark(picture, day); picked.textContent = words(shown.days.find((each) => each.day === day)); },
  });
  return section(t("operator.margin"), tiles, more,
    el("ul", { class: "legend" }, el("li", {}, el("i", { class: "dot earned" }), t("operator.sold")), el("li", {}, el("i", { class: "dot spent" }), t("operator.cost"))),
    picture,
    ends(onDay(shown.days[0].day), onDay(shown.days.at(-1).day)),
    picked,
    el("table", {},
      el("thead", {}, el("tr", {}, ...["operator.offer", "operator.sold", "operator.cost", "operator.left"].map((each) => el("th", { scope: "col" }, t(each))))),
      el("tbody", {}, ...shown.models.map(marginRow))));
}

const words = (each) => t("operator.day", { day: onDay(each.day), sold: each.sold, spent: each.spent, left: each.margin });

function tile(name, amount, beneath = "") {
  return el("div", {}, el("small", {}, name), el("b", {}, amount), beneath && el("small", {}, beneath));
}

function marginRow(row) {
  return el("tr", {},
    el("th", { scope: "row" }, el("i", { class: `dot ${colour(row.colour)}`, "aria-hidden": "true" }), row.model, el("small", {}, row.provider)),
    el("td", {}, row.sold), el("td", {}, row.spent), el("td", { class: row.is_loss ? "bad" : "" }, row.margin));
}
