// Calls to the bot's server with a session, begun by Telegram's initData or by a one-time link.
import { openTelegram } from "./telegram.js";

const KEPT = "farthing.session";
const LINK = /^#([\w-]{43})$/;
export let telegram = null;
let session = null;

export class Refused extends Error {
  constructor(status, code, message = "") {
    super(message || `${status} ${code}`);
    this.status = status;
    this.code = code;
    this.told = message;
  }
}

// Returns true where there is a user. Raises Refused for a link or initData that is not valid.
export async function signIn() {
  const link = LINK.exec(location.hash)?.[1];
  if (link) {
    history.replaceState(null, "", location.pathname + location.search); // not kept in the browser's history
    await begin(`link ${link}`, "link");
    return true;
  }
  telegram = await openTelegram();
  const kept = recall();
  const source = telegram ? new URLSearchParams(telegram.initData).get("hash") : "link";
  if (kept?.source === source) session = kept.session;
  else if (telegram) await begin(`tma ${telegram.initData}`, source);
  return session !== null;
}

async function begin(authorization, source) {
  const begun = await call("session", { method: "POST" }, authorization);
  session = begun.session;
  try { sessionStorage.setItem(KEPT, JSON.stringify({ session, source })); } catch { /* a browser without storage asks again next time */ }
}

export function forget() {
  session = null;
  try { sessionStorage.removeItem(KEPT); } catch { /* as above */ }
}

function recall() {
  try { return JSON.parse(sessionStorage.getItem(KEPT)); } catch { return null; }
}

// Raises Refused with the answer's code; "offline" where there was no answer.
export async function ask(path, options = {}) {
  try {
    return await call(path, options, `Bearer ${session}`);
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "session_ended") throw error;
    forget();
    if (!telegram) throw error;
    await begin(`tma ${telegram.initData}`, new URLSearchParams(telegram.initData).get("hash"));
    return call(path, options, `Bearer ${session}`);
  }
}

async function call(path, { method = "GET", body, as = "json", headers: more = {} }, authorization) {
  const headers = { authorization, ...more };
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(`app/${path}`, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
  } catch {
    throw new Refused(0, "offline");
  }
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, told.error?.code ?? "broken", told.error?.message);
  }
  return answer.status === 204 ? null : answer[as]();
}
