// Calls to the bot's server, signed with what Telegram gave this page.
export const telegram = window.Telegram?.WebApp;
export const initData = telegram?.initData ?? "";

export class Refused extends Error {
  constructor(status, code) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
  }
}

// Raises Refused with the answer's code; "offline" where there was no answer.
export async function ask(path, { method = "GET", body, as = "json" } = {}) {
  const headers = { authorization: `tma ${initData}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(`app/${path}`, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
  } catch {
    throw new Refused(0, "offline");
  }
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, told.error?.code ?? "broken");
  }
  return answer.status === 204 ? null : answer[as]();
}
