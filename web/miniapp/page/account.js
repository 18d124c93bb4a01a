// The card at the top: plan, what is left of it, the wallet.
import { el } from "./dom.js";
import { count, fullDay, named, nanos, price } from "./shown.js";
import { t } from "./words.js";

export function account(mine) {
  const { plan, next_plan: next, wallet_usd: wallet, owed_usd: owed, held_usd: held } = mine.account;
  const renews = fullDay(mine.account.renews_at);
  return [
    el("div", { class: "pair" },
      el("div", {}, el("small", {}, t("plan")), el("b", { class: "big" }, named(plan))),
      el("div", { class: "right" }, el("small", {}, t("wallet")), el("b", { class: "big", title: `${wallet} USD` }, price(wallet)))),
    left(mine.account),
    el("p", { class: "faint" }, next ? t("becomes", { plan: named(next), day: renews }) : t("renews", { day: renews })),
    nanos(held) > 0n && el("p", { class: "faint" }, t("held", { usd: price(held) })),
    nanos(owed) > 0n && el("p", { class: "bad" }, t("owed", { usd: price(owed) })),
  ];
}

function left({ allowance_left_tokens: rest, allowance_tokens: all }) {
  const share = all > 0 ? Math.max(0, Math.min(100, (100 * rest) / all)) : 0;
  const words = t("left", { left: count(Math.max(0, rest)), all: count(all) });
  return el("div", {},
    el("p", {}, words),
    el("div", { class: share < 10 ? "meter low" : "meter", role: "img", "aria-label": words }, el("i", { css: { width: `${share}%` } })));
}
