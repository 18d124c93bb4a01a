// The page's texts in the chosen language. texts.js comes from the server's locales.
import { TEXTS } from "./texts.js";

let chosen = "en";
export const language = () => chosen;

// Takes Telegram's language tag, such as "vi" or "pt-br". English where there is no such language.
export function speak(code) {
  const wanted = String(code || "en").toLowerCase().split("-")[0];
  chosen = wanted in TEXTS ? wanted : "en";
  document.documentElement.lang = chosen;
}

// A text with plural forms names the number that chooses one.
function form(text, values) {
  if (typeof text === "string") return text;
  return text[new Intl.PluralRules(chosen).select(values[text.count])] ?? text.other;
}

// Numbers are written as the language writes them.
export function t(key, values = {}) {
  const shown = (value) => (typeof value === "number" ? new Intl.NumberFormat(chosen).format(value) : value);
  return form(TEXTS[chosen][key], values).replace(/\{(\w+)\}/g, (whole, name) => shown(values[name]) ?? whole);
}

// The text for a key that may not exist, else `otherwise`.
export const known = (key, otherwise) => (key in TEXTS[chosen] ? t(key) : otherwise);

export const said = (code) => known(`error.${code}`, t("error.broken"));

// The sentence for a refusal: the page's own, else that of the server, which is in the user's language.
export function explained(error) {
  return known(`error.${error.code}`, error.status >= 400 && error.status < 500 && error.told ? error.told : t("error.broken"));
}
