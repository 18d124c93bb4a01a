// The panel on the right: the provider of the next prompt, prices, and switches for faults.
import { $, ask, el } from "./dom.js";
import { typed } from "./compose.js";
import { byOffer, isUp, nextUp, someOut, world } from "./store.js";

const WORDS = {
  up: ["up", "answers"], down: ["down", "its plug is pulled: no connection"], 429: ["429", "too many requests: asks to wait"], slow: ["slow", "starts to answer after a minute"],
  cut: ["cut", "breaks off within an answer"], key_refused: ["key", "refuses the API key"],
};
const STATES = {
  answering: "Its latest attempts were answered", failing: "Its latest attempts failed; it is still asked where that pays, or once as a test",
  resting: "Not asked after failures, or as the provider asked, until its rest is over", drained: "Taken out by the operator",
  no_key: "No key is set", unnoticed: "Farthing notices with its next attempt there",
};
const PLACES = ["next", "2nd", "3rd"];
let served = null, order = [], changed = () => {};
const rerouted = new Map(), answered = new Map();  // answered: the number of the last call that is known to be answered
export function wire(afterChange) { changed = afterChange; }
export const wasRerouted = () => rerouted.size > 0;

export async function set(name, mode) {
  const shown = await ask("providers/" + name, { mode });
  if (shown.name) world.providers.set(name, shown);
  showProviders(); changed();
}

export async function plugAllIn() {
  for (const each of [...world.providers.values()].filter((provider) => !isUp(provider))) await set(each.name, "up");
}

// Mark an answer that was given in place of an unplugged provider.
export function hear(provider) {
  const before = answered.get(provider.name) ?? world.providers.get(provider.name)?.calls ?? provider.calls;
  answered.set(provider.name, provider.last_status === 200 ? provider.calls : before);
  if (provider.calls > before && provider.last_status === 200) {
    rerouted.clear();
    if (served && served !== provider.name && !isUp(world.providers.get(served))) rerouted.set(provider.name, served);
    served = provider.name;
  }
  world.providers.set(provider.name, provider);
}

export function showProviders() {
  const next = nextUp();
  $("next").replaceChildren(...(next ? ["The next prompt goes to ", el("b", {}, next.title), ", the cheapest that is up."] : [someOut() ? "No provider is up: a prompt gets an error and is not charged." : "All plugs are in again. Farthing still lets them rest after their failures, and asks one by one within a minute."]));
  $("plug").hidden = !next && !someOut();
  $("plug").className = next ? "" : "in";
  $("plug").textContent = next ? `Pull ${next.title}'s plug` : "Put every plug back in";
  $("plug").onclick = () => (next ? set(next.name, "down") : plugAllIn());
  const focus = document.activeElement?.dataset?.switch;
  $("provider-list").replaceChildren(...inOrder().map((each) => card(each, next)));
  $("legend").replaceChildren(...["down", "429", "slow", "cut", "key_refused"].flatMap((mode) => [el("dt", {}, WORDS[mode][0]), el("dd", {}, WORDS[mode][1])]));
  if (focus) document.querySelector(`[data-switch="${focus}"]`)?.focus();
}

// Providers of `auto` first, in the order at the time the page was opened, so that no row moves under the pointer.
function inOrder() {
  if (!order.length && world.next.length) order = [...new Set([...world.next.map((name) => name.split("/")[0]), ...world.providers.keys()])];
  return (order.length ? order : [...world.providers.keys()]).map((name) => world.providers.get(name)).filter(Boolean);
}

function card(provider, next) {
  const farthing = provider.farthing || {}, state = shownState(provider, farthing);
  return el("li", { class: isUp(provider) ? "" : "off", "data-provider": provider.name },
    el("div", { class: "row" }, el("b", {}, provider.title), ...marks(provider, next), el("span", { class: "state " + state, title: [STATES[state], farthing.reason].filter(Boolean).join(". ") }, state.replace("_", "-"))),
    el("p", { class: "price" }, price(provider)),
    el("p", { class: "cost" }, cost(provider)),
    el("p", { class: "calls" }, `${provider.calls} ${provider.calls === 1 ? "call" : "calls"}${provider.last_status ? `, last answered ${provider.last_status}` : ""}`),
    switches(provider));
}

// A provider is not shown as answering while its fault is switched on and not noticed yet.
function shownState(provider, farthing) {
  if (farthing.status !== "answering") return farthing.status || "unknown";
  return isUp(provider) ? "answering" : "unnoticed";
}

function marks(provider, next) {
  const from = rerouted.get(provider.name), ahead = world.next.map(byOffer).filter((each) => each && isUp(each));
  const word = PLACES[[...new Set(ahead)].indexOf(provider)];
  return [
    word ? el("span", { class: provider === next ? "mark" : "mark faint" }, word) : null,
    from ? el("span", { class: "mark rerouted", title: "Answered in place of " + world.providers.get(from).title }, "↪ rerouted") : null,
  ];
}

function price(provider) {
  const rows = provider.farthing?.prices || [];
  const offer = world.next.find((name) => name.split("/")[0] === provider.name) || "";
  const row = rows.find((each) => offer === `${provider.name}/${each.model}`) || rows[0];
  return row ? `${row.model}: $${short(row.input_usd_per_mtok)} in, $${short(row.output_usd_per_mtok)} out per 1M` : "not on offer";
}

function cost(provider) {
  const offer = world.next.find((name) => byOffer(name) === provider) || Object.keys(world.costs).find((name) => byOffer(name) === provider);
  const usd = world.costs[offer];
  return usd === undefined ? "" : `${typed() ? "this prompt" : "a usual prompt"}: about ${Number((Number(usd) * 100).toPrecision(2))} ¢`;
}

const short = (usd) => Number(usd).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 6 });

function switches(provider) {
  const known = provider.modes.map((mode) => el("button", { type: "button", "data-mode": mode, "data-switch": `${provider.name} ${mode}`, title: WORDS[mode]?.[1] || mode, "aria-pressed": String(provider.mode === mode), onclick: () => set(provider.name, mode) }, WORDS[mode]?.[0] || mode));
  const isMore = !provider.modes.includes(provider.mode);
  const more = el("select", { class: isMore ? "on" : "", "aria-label": `More faults of ${provider.title}`, "data-switch": `${provider.name} more`, onchange: () => { if (more.value) set(provider.name, more.value); } },
    el("option", { value: "" }, "more"), ...world.more.map((mode) => el("option", { value: mode, selected: mode === provider.mode }, mode.replaceAll("_", " "))));
  return el("div", { class: "switch", role: "group", "aria-label": `What ${provider.title} does` }, ...known, more);
}
