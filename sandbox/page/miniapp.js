// The Mini App in a frame, by the messages of Telegram Web: core.telegram.org/api/web-events.
import { payFor } from "./chat.js";
import { $, ask, toast } from "./dom.js";
import { sender, world } from "./store.js";

const DARK = matchMedia("(prefers-color-scheme: dark)");
const LIGHT_THEME = { bg_color: "#ffffff", text_color: "#000000", hint_color: "#707579", link_color: "#2481cc", button_color: "#2481cc", button_text_color: "#ffffff", secondary_bg_color: "#f4f4f5", section_bg_color: "#ffffff", accent_text_color: "#2481cc", destructive_text_color: "#df3f40", subtitle_text_color: "#707579" };
const DARK_THEME = { bg_color: "#18222d", text_color: "#ffffff", hint_color: "#b1c3d5", link_color: "#62bcf9", button_color: "#2ea6ff", button_text_color: "#ffffff", secondary_bg_color: "#131415", section_bg_color: "#18222d", accent_text_color: "#2ea6ff", destructive_text_color: "#ef5b5b", subtitle_text_color: "#b1c3d5" };
const theme = () => (DARK.matches ? DARK_THEME : LIGHT_THEME);

let start = () => {};
export function wire(actions) { ({ start } = actions); }

// Open the Mini App as the person who writes, with data that the sandbox's Telegram has signed.
export async function openApp() {
  const made = await ask("mini-app", { user_id: sender() });
  if (made.ok === false) return;
  const hash = new URLSearchParams({ tgWebAppData: made.init_data, tgWebAppVersion: "9.1", tgWebAppPlatform: "sandbox", tgWebAppThemeParams: JSON.stringify(theme()) });
  const frame = $("mini-app").querySelector("iframe");
  frame.src = "about:blank";
  setTimeout(() => { frame.src = `${made.url}#${hash}`; }); // a new address alone would only change the fragment
  $("mini-app").showModal();
}

function tell(eventType, eventData) {
  $("mini-app").querySelector("iframe").contentWindow.postMessage(JSON.stringify({ eventType, eventData }), "*");
}

const does = {
  web_app_close: () => close(),
  async web_app_open_invoice({ slug }) {
    const offer = await ask("links/" + slug);
    const paid = offer.ok !== false && await payFor(offer, { link: slug });
    tell("invoice_closed", { slug, status: paid === false ? "failed" : paid ? "paid" : "cancelled" });
  },
  web_app_open_tg_link({ path_full: path }) {
    const [, name, , parameter] = /^\/(\w+)(\?start=([\w-]+))?$/.exec(path) ?? [];
    close();
    if (name !== world.me.username) toast(`Telegram would open t.me${path}`);
    else if (parameter) start(sender(), parameter);
  },
};

function hear(event) {
  if (event.source !== $("mini-app").querySelector("iframe").contentWindow) return;
  try {
    const { eventType, eventData } = JSON.parse(event.data);
    does[eventType]?.(eventData ?? {});
  } catch { /* not a message of a Mini App */ }
}

function close() { $("mini-app").close(); }

$("mini-app").addEventListener("close", () => { $("mini-app").querySelector("iframe").src = "about:blank"; });
$("mini-app").querySelector("button").addEventListener("click", close);
$("open-app").addEventListener("click", openApp);
addEventListener("message", hear);
DARK.addEventListener("change", () => { if ($("mini-app").open) tell("theme_changed", { theme_params: theme() }); });
