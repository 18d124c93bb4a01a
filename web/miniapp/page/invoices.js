// Invoices: a month each, fetched with the page's own authority and handed over as a file.
import { ask } from "./ask.js";
import { el, list } from "./dom.js";
import { tried } from "./lazy.js";
import { month } from "./shown.js";
import { t } from "./words.js";

export function invoices(mine) {
  return [el("section", { class: "card" },
    list(mine.invoices.map(line), t("invoices.none")),
    mine.invoices.length > 0 && el("p", { class: "faint" }, t("invoices.else")))];
}

function line(invoice) {
  const button = el("button", { type: "button", class: "link", "aria-label": `PDF: ${invoice.id}`, onclick: () => download(invoice, button) }, t("invoices.pdf"));
  return el("li", {},
    el("div", { class: "grow" }, el("b", {}, month(`${invoice.month}-01`)), el("small", {}, invoice.id)),
    el("span", { title: `${invoice.total_usd} USD` }, invoice.total),
    button);
}

async function download(invoice, button) {
  button.disabled = true;
  const file = await tried(() => ask(`invoices/${invoice.id}/pdf`, { as: "blob" }));
  button.disabled = false;
  if (!file) return;
  const address = URL.createObjectURL(file);
  el("a", { href: address, download: `${invoice.id}.pdf` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
