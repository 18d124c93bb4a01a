// Numbers and times as people read them. Amounts of money come from the server as it writes them.
import { language } from "./words.js";

export const count = (number) => new Intl.NumberFormat(language()).format(number);

// As the server writes dates: "30 Nov", not "Nov 30".
const dates = () => (language() === "en" ? "en-GB" : language());
const day = (options) => (text) =>
  new Intl.DateTimeFormat(dates(), { timeZone: "UTC", ...options }).format(new Date(text));
export const onDay = day({ day: "numeric", month: "short" });
export const month = day({ month: "long", year: "numeric" });

const local = (text, options) => new Intl.DateTimeFormat(dates(), options).format(new Date(text));
const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DATE = { day: "numeric", month: "short" };
export const moment = (text) => local(text, { ...DATE, ...TIME });

// The day once, where both moments are on it.
export function span(from, to) {
  return `${moment(from)} – ${local(from, DATE) === local(to, DATE) ? local(to, TIME) : moment(to)}`;
}

export const named = (plan) => plan.charAt(0).toUpperCase() + plan.slice(1);
