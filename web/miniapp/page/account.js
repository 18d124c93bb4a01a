// The card at the top: plan, what is left of it, the wallet.
import { el } from "./dom.js";
import { named } from "./shown.js";
import { t } from "./words.js";

export function account(mine) {
  const { plan, next_plan: next } = mine.account;
  const { wallet, held, owed, renews: day } = mine.shown;
  return [
    el("div", { class: "pair" },
      el("div", {}, el("small", {}, t("plan")), el("b", { class: "big" }, named(plan))),
      el("div", { class: "right" }, el("small", {}, t("wallet")), el("b", { class: "big", title: `${mine.account.wallet_usd} USD` }, wallet))),
    left(mine),
    el("p", { class: "faint" }, next ? t("becomes", { plan: named(next), day }) : t("renews", { day })),
    held && el("p", { class: "faint" }, t("held", { usd: held })),
    owed && el("p", { class: "bad" }, t("owed", { usd: owed })),
  ];
}

function left({ account: { allowance_left_tokens: rest, allowance_tokens: all }, shown }) {
  const share = all > 0 ? Math.max(0, Math.min(100, (100 * rest) / all)) : 0;
  const words = t("left", { left: shown.left, all: shown.allowance });
  return el("div", {},
    el("p", {}, words),
    el("div", { class: share < 10 ? "meter low" : "meter", role: "img", "aria-label": words }, el("i", { css: { width: `${share}%` } })));
}
