// A panel whose data are fetched when it is opened, with its waiting, its failure and another try.
import { Refused } from "./ask.js";
import { el, fill, toast } from "./dom.js";
import { explained, t } from "./words.js";

// `work` returns the panel's nodes. Returns [node, show]; `show` fetches and draws anew.
export function lazy(work) {
  const box = el("div", { class: "lazy", "aria-busy": "false" });
  const show = async () => {
    box.setAttribute("aria-busy", "true");
    if (!box.children.length) fill(box, el("section", { class: "card" }, el("p", { class: "empty", role: "status" }, t("loading"))));
    try {
      fill(box, ...(await work(show)));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      fill(box, el("section", { class: "card" },
        el("p", { class: "empty", role: "alert" }, explained(error)),
        el("button", { type: "button", class: "primary", onclick: show }, t("again"))));
    } finally {
      box.setAttribute("aria-busy", "false");
    }
  };
  return [box, show];
}

// The result of `work`; undefined once its refusal has been told.
export async function tried(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(explained(error));
    return undefined;
  }
}
