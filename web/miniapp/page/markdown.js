// Answers as their authors formatted them: a model's Markdown written as nodes, never as HTML.
import { el } from "./dom.js";

const FENCE = /^\s*(`{3,}|~{3,})\s*([\w+#.-]*).*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const CELLS = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const TASK = /^\[([ xX])\]\s+/;
const CALLOUT = /^\[!([A-Za-z]+)\][-+]?/;
const MOST_DEPTH = 6;
const MOST_CHARS = 20000; // of one paragraph: a longer one would keep the page busy

export function formatted(markdown) {
  return el("div", { class: "formatted" }, ...blocks(markdown.replace(/\r\n?/g, "\n").split("\n"), 0));
}

function blocks(lines, depth) {
  const found = [];
  let at = 0;
  const take = (test) => { const from = at; while (at < lines.length && test(lines[at])) at += 1; return lines.slice(from, at); };
  while (at < lines.length) {
    const line = lines[at], fence = FENCE.exec(line);
    if (!line.trim()) at += 1;
    else if (fence) {
      at += 1;
      const code = take((each) => !(each.trim().startsWith(fence[1]) && !each.trim().replace(/[`~]/g, "")));
      at += 1;
      found.push(el("pre", {}, el("code", {}, code.join("\n"))));
    } else if (HEADING.test(line)) {
      found.push(el("h3", {}, ...inline(HEADING.exec(line)[2])));
      at += 1;
    } else if (RULE.test(line)) {
      found.push(el("hr"));
      at += 1;
    } else if (QUOTE.test(line) && depth < MOST_DEPTH) {
      const quoted = take((each) => QUOTE.test(each)).map((each) => each.replace(QUOTE, ""));
      quoted[0] = quoted[0].replace(CALLOUT, "**$1**");
      found.push(el("blockquote", {}, ...blocks(quoted, depth + 1)));
    } else if (ITEM.test(line) && depth < MOST_DEPTH) {
      const indent = ITEM.exec(line)[1].length;
      const rows = take((each) => !each.trim() || each.search(/\S/) > indent || (ITEM.test(each) && each.search(/\S/) === indent));
      found.push(listOf(rows, indent, depth));
    } else if (line.includes("|") && CELLS.test(lines[at + 1] ?? "") && lines[at + 1].includes("-")) {
      const [head, , ...rows] = take((each) => each.includes("|") || CELLS.test(each));
      found.push(tableOf(head, rows));
    } else found.push(el("p", {}, ...inline(take((each) => each === line || !begins(each)).join("\n"))));
  }
  return found;
}

const begins = (line) => !line.trim() || [FENCE, HEADING, RULE, QUOTE, ITEM].some((each) => each.test(line));

function listOf(rows, indent, depth) {
  const numbered = /\d/.test(ITEM.exec(rows[0])[2]), items = [];
  for (const row of rows) {
    const found = ITEM.exec(row);
    if (found && found[1].length === indent) items.push({ number: parseInt(found[2], 10), lines: [found[3]] });
    else items.at(-1).lines.push(row.slice(Math.min(indent + 2, Math.max(0, row.search(/\S/)))));
  }
  return el(numbered ? "ol" : "ul", {}, ...items.map(({ number, lines }) => {
    const task = TASK.exec(lines[0]);
    if (task) lines[0] = `${task[1] === " " ? "☐" : "☑"} ${lines[0].replace(TASK, "")}`;
    return el("li", { value: numbered ? String(number) : null, class: task ? "task" : null }, ...blocks(lines, depth + 1));
  }));
}

function tableOf(head, rows) {
  const cells = (row) => row.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((each) => each.replaceAll("\\|", "|").trim());
  const line = (row, tag) => el("tr", {}, ...cells(row).map((each) => el(tag, {}, ...inline(each))));
  return el("div", { class: "sideways" }, el("table", {}, el("thead", {}, line(head, "th")), el("tbody", {}, ...rows.map((row) => line(row, "td")))));
}

const MARKS = [
  [/^\\([!-/:-@[-`{-~])/, (found) => [found[1]]],
  [/^(`+)([\s\S]*?[^`])\1(?!`)/, (found) => [el("code", {}, found[2])]],
  [/^!?\[([^[\]]+)\]\((https?:\/\/[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)[^()]*\)/, (found) => [link(found[2], inline(found[1]))]],
  [/^<?(https?:\/\/[^\s<>`]*[^\s<>`.,;:!?)\]'"*_])>?/, (found) => [link(found[1], [found[1]])]],
  [/^(\*\*|__)(?=\S)([\s\S]*?\S)\1/, (found) => [el("b", {}, ...inline(found[2]))]],
  [/^~~(?=\S)([\s\S]*?\S)~~/, (found) => [el("s", {}, ...inline(found[1]))]],
  [/^\*(?=[^\s*])([^*\n]*[^\s*])\*/, (found) => [el("i", {}, ...inline(found[1]))]],
  [/^_(?=[^\s_])([^_\n]*[^\s_])_(?!\w)/, (found) => [el("i", {}, ...inline(found[1]))]],
  [/^<br\s*\/?>/i, () => [el("br")]],
];

const link = (url, shown) => el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...shown);

function inline(text) {
  if (text.length > MOST_CHARS) return [text];
  const found = [];
  let plain = "", at = 0;
  while (at < text.length) {
    const next = text.slice(at).search(/[\\`![<*_~]|https?:\/\//);
    if (next < 0) break;
    plain += text.slice(at, at + next);
    at += next;
    const rest = text.slice(at), inWord = /\w/.test(text[at - 1] ?? "");
    const mark = MARKS.map(([pattern, write]) => [pattern.exec(rest), write]).find(([each]) => each && !(inWord && rest[0] === "_"));
    if (mark) {
      found.push(plain, ...mark[1](mark[0]));
      plain = "";
      at += mark[0][0].length;
    } else { plain += text[at]; at += 1; }
  }
  return [...found, plain + text.slice(at)].filter((each) => each !== "");
}
