// Numbers, money and times as people read them. Money comes as exact strings of USD and is summed exactly.
import { language } from "./words.js";

const NANO = 1_000_000_000n;
const plain = new Intl.NumberFormat("en-US");

export const count = (number) => plain.format(number);

export function short(number) {
  return new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 }).format(number);
}

// "1.25" → 1250000000n
export function nanos(usd) {
  const [whole, part = ""] = usd.replace("-", "").split(".");
  const size = BigInt(whole) * NANO + BigInt(part.padEnd(9, "0").slice(0, 9));
  return usd.startsWith("-") ? -size : size;
}

export const sum = (rows, name) => rows.reduce((total, row) => total + nanos(row[name]), 0n);

// Two decimals from a dollar on, four below, and two significant digits where that would read as nothing.
export function usd(amount) {
  const size = amount < 0n ? -amount : amount;
  let digits = size >= NANO ? 2 : 4;
  while (digits < 9 && size > 0n && size < 10n * 10n ** BigInt(9 - digits - 1)) digits += 1;
  const unit = 10n ** BigInt(9 - digits);
  const rounded = (size + unit / 2n) / unit;
  const scale = 10n ** BigInt(digits);
  const part = String(rounded % scale).padStart(digits, "0").replace(/0+$/, "").padEnd(2, "0");
  return `${amount < 0n ? "−" : ""}$${plain.format(rounded / scale)}.${part}`;
}

export const price = (text) => usd(nanos(text));

const day = (options) => (text) =>
  new Intl.DateTimeFormat(language(), { timeZone: "UTC", ...options }).format(new Date(text));
export const onDay = day({ day: "numeric", month: "short" });
export const fullDay = day({ day: "numeric", month: "long", year: "numeric" });
export const month = day({ month: "long", year: "numeric" });

const local = (text, options) => new Intl.DateTimeFormat(language(), options).format(new Date(text));
const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DATE = { day: "numeric", month: "short" };
export const moment = (text) => local(text, { ...DATE, ...TIME });

// The day once, where both moments are on it.
export function span(from, to) {
  return `${moment(from)} – ${local(from, DATE) === local(to, DATE) ? local(to, TIME) : moment(to)}`;
}

export const named = (plan) => plan.charAt(0).toUpperCase() + plan.slice(1);

export function daysBetween(first, last) {
  const days = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += 86_400_000) days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}
