// Blocks of a rich message as DOM nodes. Texts are inserted as text, never as HTML.
import { el } from "./dom.js";
import { SAFE, block as codeBlock } from "./text.js";

const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", marked: "mark", subscript: "sub", superscript: "sup" };
const ALIGNS = new Set(["left", "center", "right"]);

export function richBody(message) {
  return el("div", { class: "rich", dir: message.is_rtl ? "rtl" : "auto" }, ...message.blocks.map(node));
}

// The text alone, for quotations and for the list of chats.
export function wordsOf(message) {
  return message.blocks.map(plain).filter(Boolean).join(" ");
}

function node(block) {
  const made = MAKERS[block.type];
  return made ? made(block) : el("p", {}, plain(block));
}

const MAKERS = {
  paragraph: (block) => el("p", {}, rich(block.text)),
  heading: (block) => el(`h${block.size + 2 > 6 ? 6 : block.size + 2}`, { class: `size-${block.size}` }, rich(block.text)),
  footer: (block) => el("p", { class: "rich-footer" }, rich(block.text)),
  divider: () => el("hr"),
  blockquote: (block) => el("blockquote", {}, ...block.blocks.map(node)),
  pre: (block) => codeBlock(rich(block.text), block.language, plain(block)),
  list: (block) => el("ul", {}, ...block.items.map((item) => el("li", { "data-label": item.label }, ...item.blocks.map(node)))),
  table,
};

function table(block) {
  const rows = block.cells.map((row) => el("tr", {}, ...row.map(cell)));
  const looks = `${block.is_bordered ? "bordered " : ""}${block.is_striped ? "striped" : ""}`;
  return el("div", { class: "rich-table", tabIndex: 0, role: "region", "aria-label": "Table" }, el("table", { class: looks }, el("tbody", {}, ...rows)));
}

function cell(each) {
  const align = ALIGNS.has(each.align) ? each.align : "left";
  return el(each.is_header ? "th" : "td", { class: `to-${align}`, dir: "auto", scope: each.is_header ? "col" : null }, rich(each.text || ""));
}

// RichText: a string, a list of RichText, or an object that contains it.
function rich(text) {
  if (typeof text === "string") return document.createTextNode(text);
  const out = document.createDocumentFragment();
  if (Array.isArray(text)) out.append(...text.map(rich));
  else if (text.type === "url" && SAFE.test(text.url)) out.append(el("a", { href: text.url, target: "_blank", rel: "noopener noreferrer" }, rich(text.text)));
  else if (text.type === "spoiler") out.append(el("span", { class: "spoiler", title: "Show", onclick: (e) => e.currentTarget.classList.add("open") }, rich(text.text)));
  else out.append(TAGS[text.type] ? el(TAGS[text.type], {}, rich(text.text)) : rich(text.text || ""));
  return out;
}

function plain(found) {
  if (!found) return "";
  if (typeof found === "string") return found;
  if (Array.isArray(found)) return found.map(plain).join("");
  return [found.text, ...(found.blocks || []), ...(found.items || []), ...(found.cells || []).flat()].map(plain).filter(Boolean).join(" ");
}
