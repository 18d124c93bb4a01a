// A text and its entities. Their offsets are UTF-16 units, as in JavaScript.
import { el } from "./dom.js";

const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", blockquote: "blockquote", expandable_blockquote: "blockquote" };
export const SAFE = /^(https?|tg|mailto):/;

export function formatted(text, entities, onCommand) {
  const sorted = [...(entities || [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return pieces(text, 0, text.length, sorted, onCommand);
}

function pieces(text, start, end, entities, onCommand) {
  const out = document.createDocumentFragment();
  let at = start;
  entities.forEach((entity, n) => {
    if (entity.offset < at) return;
    const stop = Math.min(end, entity.offset + entity.length);
    const before = text.slice(at, entity.offset);
    out.append(isBlock(entity) ? before.replace(/\n+$/, "") : before);
    const inner = entities.slice(n + 1).filter((other) => other.offset >= entity.offset && other.offset < stop);
    out.append(wrapped(entity, pieces(text, entity.offset, stop, inner, onCommand), text.slice(entity.offset, stop), onCommand));
    at = stop;
    // A block starts and ends a line itself; line breaks around it would show as empty lines.
    while (isBlock(entity) && at < end && text[at] === "\n") at += 1;
  });
  out.append(text.slice(at, end));
  return out;
}

const isBlock = (entity) => entity.type === "pre" || TAGS[entity.type] === "blockquote";

function wrapped(entity, inner, plain, onCommand) {
  if (entity.type === "pre") return block(inner, entity.language, plain);
  if (TAGS[entity.type]) return el(TAGS[entity.type], {}, inner);
  if (entity.type === "spoiler") return el("span", { class: "spoiler", title: "Show", onclick: (e) => e.currentTarget.classList.add("open") }, inner);
  if (entity.type === "bot_command") return el("button", { type: "button", class: "command", onclick: () => onCommand(plain) }, inner);
  const link = entity.type === "text_link" ? entity.url : entity.type === "url" ? plain : "";
  return SAFE.test(link) ? el("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, inner) : inner;
}

export function block(inner, language, plain) {
  const copy = el("button", { type: "button", onclick: () => { navigator.clipboard?.writeText(plain); copy.textContent = "copied"; } }, "copy");
  return el("div", { class: "code" }, el("div", { class: "code-head" }, el("span", {}, language || "text"), copy), el("pre", { tabIndex: 0 }, inner));
}
