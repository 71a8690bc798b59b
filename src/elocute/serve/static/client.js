// @ts-check
/** The service's API as this page uses it. */

const PATIENCE = 4; // tries while the service is busy

/** What the service says it cannot do, in its words. */
export class Refused extends Error {}

/** @type {() => Promise<string | null>} */
let askKey = async () => null;

/** How to get an API key from the user, should the service want one. @param {() => Promise<string | null>} ask */
export function keysFrom(ask) {
  askKey = ask;
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
async function call(path, options = {}) {
  for (let attempt = 1; ; attempt++) {
    const key = sessionStorage.getItem("elocute-key");
    const headers = key ? { "x-api-key": key } : undefined;
    let answer;
    try {
      answer = await fetch(path, { ...options, headers });
    } catch {
      throw new Refused("The service cannot be reached. Is it running?");
    }
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    if (answer.status === 401 && attempt <= PATIENCE) {
      const given = await askKey();
      if (given) {
        sessionStorage.setItem("elocute-key", given);
        continue;
      }
    }
    const wait = Number(answer.headers.get("retry-after") ?? 0);
    if ((answer.status === 503 || answer.status === 429) && wait > 0 && wait <= 10 && attempt < PATIENCE) {
      await new Promise((resolve) => setTimeout(resolve, 1000 * wait));
      continue;
    }
    throw new Refused(problem.detail ?? `The service answered ${answer.status}.`);
  }
}

/**
 * @param {Blob} audio
 * @param {string} text
 * @param {"json" | "html"} format
 */
function assessed(audio, text, format) {
  const body = new FormData();
  body.append("audio", audio, "recording");
  body.append("text", text);
  body.append("format", format);
  return call("v1/assess", { method: "POST", body });
}

/** @param {Blob} audio @param {string} text @returns {Promise<import("./report/types").Result>} */
export const assess = async (audio, text) => (await assessed(audio, text, "json")).json();

/** The report as a file of its own. @param {Blob} audio @param {string} text */
export const report = async (audio, text) => (await assessed(audio, text, "html")).blob();

/** @type {Promise<import("./report/types").Catalogue> | null} */
let names = null;

/** What the names in a result mean; asked for once. */
export function catalogue() {
  names ??= call("v1/catalogue").then((answer) => answer.json()).catch((error) => {
    names = null;
    throw error;
  });
  return names;
}
