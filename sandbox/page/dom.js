// Builders of DOM nodes. Texts of people and bots are inserted as text, never as HTML.
export const $ = (id) => document.getElementById(id);

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const COLOURS = ["#d9645f", "#4c9a4a", "#3f86c6", "#8f73d6", "#d1588f", "#2f9aa0"];
export function face(node, title, n) {
  node.textContent = title[0];
  node.style.background = COLOURS[n % COLOURS.length];
  return node;
}

let timer;
export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => { $("toast").hidden = true; }, 4000);
}

export function alertBox(text) {
  $("alert").firstElementChild.textContent = text;
  $("alert").showModal();
}

// Resolves to true when the person confirms.
export function confirmPay(offer) {
  const [title, words, menu] = $("paying").children;
  const [no, yes] = menu.children;
  title.textContent = offer.title;
  words.textContent = `${offer.description} ${offer.period ? "Renews every 30 days until you end it. " : ""}Stars cost nothing here.`;
  yes.textContent = `Pay ⭐ ${offer.total_amount}${offer.period ? " a month" : ""}`;
  $("paying").showModal();
  return new Promise((resolve) => {
    const done = (answer) => { $("paying").close(); resolve(answer); };
    yes.onclick = () => done(true);
    no.onclick = () => done(false);
    $("paying").oncancel = () => resolve(false);
  });
}

export async function ask(path, body) {
  const options = body === undefined ? {} : body instanceof FormData ? { method: "POST", body }
    : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  try {
    const response = await fetch("/api/" + path, options);
    const answer = await response.json();
    if (!response.ok || answer.ok === false) toast(answer.error || "That did not work.");
    return answer;
  } catch {
    toast("The sandbox does not answer. Is it still running?");
    return { ok: false };
  }
}

$("alert").querySelector("button").addEventListener("click", () => $("alert").close());
