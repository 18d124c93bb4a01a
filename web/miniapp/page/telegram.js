// Telegram around this page: its script where Telegram opened the page, else a small bridge of the same names, else nothing.
const SCRIPT = "https://telegram.org/js/telegram-web-app.js";
const WAIT_MS = 4000;
const hash = new URLSearchParams(location.hash.slice(1));
const wasOpened = hash.has("tgWebAppVersion") || hash.has("tgWebAppData") || remembers();

function remembers() {
  try { return Boolean(sessionStorage.getItem("__telegram__initParams")); } catch { return false; }
}

// Returns Telegram's WebApp, or null in an ordinary browser: then no other server is asked for anything.
export async function openTelegram() {
  if (window.Telegram?.WebApp?.initData) return window.Telegram.WebApp;
  if (!wasOpened) return null;
  if (hash.get("tgWebAppPlatform") !== "sandbox") await loaded().catch(() => {});
  if (window.Telegram?.WebApp?.initData) return window.Telegram.WebApp;
  return hash.get("tgWebAppData") ? bridge() : null;
}

function loaded() {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SCRIPT;
    script.onload = resolve;
    script.onerror = reject;
    setTimeout(reject, WAIT_MS);
    document.head.append(script);
  });
}

// What this page needs of Telegram's script, over the messages of Telegram Web: core.telegram.org/api/web-events.
function bridge() {
  const initData = hash.get("tgWebAppData"), theme = JSON.parse(hash.get("tgWebAppThemeParams") || "{}"), hears = {};
  const fields = new URLSearchParams(initData);
  const send = (eventType, eventData = {}) => parent.postMessage(JSON.stringify({ eventType, eventData }), "*");
  let paid = () => {};
  const dress = (params) => {
    for (const [name, value] of Object.entries(params)) document.documentElement.style.setProperty(`--tg-theme-${name.replaceAll("_", "-")}`, value);
    app.colorScheme = isDark(params.bg_color) ? "dark" : "light";
  };
  const app = {
    initData, initDataUnsafe: { user: JSON.parse(fields.get("user") || "null"), start_param: fields.get("start_param") ?? undefined },
    colorScheme: "light",
    ready: () => send("web_app_ready"), expand: () => send("web_app_expand"), close: () => send("web_app_close"),
    onEvent: (name, hear) => { hears[name] = hear; },
    openTelegramLink: (url) => send("web_app_open_tg_link", { path_full: new URL(url).pathname + new URL(url).search }),
    openInvoice: (url, done) => { paid = done ?? paid; send("web_app_open_invoice", { slug: new URL(url).pathname.slice(2) }); },
  };
  addEventListener("message", (event) => {
    if (event.source !== parent) return;
    const { eventType, eventData } = read(event.data);
    if (eventType === "invoice_closed") paid(eventData.status);
    if (eventType === "theme_changed") { dress(eventData.theme_params); hears.themeChanged?.(); }
  });
  dress(theme);
  return app;
}

function read(data) {
  try { return JSON.parse(data) ?? {}; } catch { return {}; }
}

function isDark(colour) {
  const [red, green, blue] = (/^#(..)(..)(..)$/.exec(colour ?? "#ffffff") ?? [0, "ff", "ff", "ff"]).slice(1).map((part) => parseInt(part, 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
}
