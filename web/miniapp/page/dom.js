// Nodes without markup: whatever people or providers are called arrives as text, never as HTML.
export const $ = (id) => document.getElementById(id);

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "css") for (const [key, css] of Object.entries(value)) node.style.setProperty(key, css);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// A long name may break behind its slashes rather than within a word.
export const breakable = (name) => name.split(/(?<=\/)/).flatMap((part, number) => (number ? [el("wbr"), part] : [part]));

export function fill(node, ...children) {
  node.replaceChildren(...children.filter(Boolean));
  return node;
}

let timer;
export function toast(text) {
  const box = $("toast");
  box.textContent = text;
  box.hidden = false;
  if (box.showPopover) { if (box.matches(":popover-open")) box.hidePopover(); box.showPopover(); } // above a dialog
  clearTimeout(timer);
  timer = setTimeout(() => { box.hidden = true; if (box.matches?.(":popover-open")) box.hidePopover(); }, Math.max(4000, 60 * text.length));
}

// Shows a dialog; resolves when it is closed, by a button, Escape or `close`.
export function dialog(build, kind = "") {
  const box = $("dialog");
  box.className = kind;
  return new Promise((resolve) => {
    let answer;
    const close = (value) => { answer = value; box.close(); };
    fill(box, ...build(close));
    box.onclose = () => { fill(box); resolve(answer); };
    box.showModal();
    if ($("toast").matches(":popover-open")) { $("toast").hidePopover(); $("toast").showPopover(); } // stays above
  });
}

export const title = (text) => el("h2", { id: "dialog-title" }, text);

export function list(rows, empty) {
  return rows.length ? el("ul", { class: "rows" }, ...rows) : el("p", { class: "empty" }, empty);
}
