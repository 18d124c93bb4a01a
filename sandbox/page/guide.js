// The guide: suggestions of the next step, in the first chat.
import { $, el } from "./dom.js";
import { plugAllIn, set, wasRerouted } from "./providers.js";
import { chat, nextUp, someOut, world } from "./store.js";

const PROMPT = "Explain compound interest to a ten-year-old, with a small table.";
const AGAIN = "And why does it grow faster each year?";
let askedSincePull = false, expected = 0, say = () => {};
export function wire(actions) { ({ say } = actions); }
const isPrompt = (message) => message.from.id !== world.me.id && message.text && !message.text.startsWith("/");
export function asked(text) {
  if (!text || text.startsWith("/")) return;
  askedSincePull = someOut();
  expected = chat().messages.filter(isPrompt).length + 1;
}

export function showGuide() {
  const steps = chat().id === world.chats.keys().next().value ? step() : [];
  $("guide").replaceChildren(...steps.filter(Boolean));
  $("guide").hidden = !steps.length;
}

function step() {
  const prompts = chat().messages.filter(isPrompt);
  if (prompts.length < expected) return [];
  const answers = chat().messages.filter((m) => m.from.id === world.me.id);
  if (!prompts.length) return [note("1 of 3"), chip("suggest", PROMPT, () => say(PROMPT))];
  if (chat().drafts.length || !answers.length || answers.at(-1).message_id < prompts.at(-1).message_id) return [];
  const next = nextUp();
  if (!someOut()) {
    askedSincePull = false;
    return next ? [note(wasRerouted() ? "" : "2 of 3"), chip("pull", `Pull ${next.title}'s plug`, () => set(next.name, "down"))] : [];
  }
  if (!askedSincePull) return [note("3 of 3"), chip("again", AGAIN, () => say(AGAIN))];
  return [note("Rerouted: the line under the answer names the provider that gave it."), chip("why", "/why", () => say("/why")), chip("plugs", "Plug back in", plugAllIn)];
}

const note = (text) => (text ? el("span", {}, text) : null);
const chip = (id, text, onclick) => el("button", { type: "button", id, onclick }, text);
