// Bars by day over a labelled value axis. A bar is a button: pressed, it shows its day.
import { el } from "./dom.js";

// `days`: [{day, words, pieces: [{height, class}]}]; `axis`: {most, ticks: [{at, text}]}; pieces are stacked, or stand side by side.
export function chart({ days, axis, label, beside = false, pressed = () => {} }) {
  const bars = el("div", { class: beside ? "bars beside" : "bars", role: "group", "aria-label": label });
  for (const each of days) {
    bars.append(el("button", {
      type: "button", "aria-label": each.words, title: each.words, "aria-pressed": "false", "data-day": each.day, onclick: () => pressed(each.day),
    }, ...each.pieces.map((piece) => el("i", { class: piece.class, css: { height: `${piece.height ? Math.max(1, (100 * piece.height) / axis.most) : 0}%` } }))));
  }
  const lines = axis.ticks.map((tick) => el("div", { class: "tick", css: { bottom: `${100 * tick.at}%` } }));
  // The widest label, unseen, makes the column as wide as it has to be.
  const widest = axis.ticks.reduce((longest, { text }) => (text.length > longest.length ? text : longest), "");
  const labels = axis.ticks.map((tick) => el("span", { css: { bottom: `${100 * tick.at}%` } }, tick.text));
  return el("div", { class: "chart" },
    el("div", { class: "labels", "aria-hidden": "true" }, el("b", {}, widest), ...labels),
    el("div", { class: "plot" }, ...lines, bars));
}

export function mark(node, day) {
  for (const bar of node.querySelectorAll(".bars button")) bar.setAttribute("aria-pressed", String(bar.dataset.day === day));
}

// The first and the last day below the bars; a single day once, below its bar.
export function ends(first, last) {
  return el("div", { class: first === last ? "faint axis single" : "pair faint axis" }, el("span", {}, first), first !== last && el("span", {}, last));
}

export const colour = (index) => (index === null ? "c-rest" : `c${index}`);
