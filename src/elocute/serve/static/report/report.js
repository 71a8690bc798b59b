// @ts-check
/** The report: draws the result that the page carries in itself. */

import { renderResult } from "./result.js";
import { decode, fromBase64 } from "./sound.js";

/** @param {string} id */
const carried = (id) => document.getElementById(id)?.textContent ?? "";

/** The recording, or nothing where it is missing or this browser cannot decode it. */
async function recorded() {
  const text = carried("recording").trim();
  try {
    return text ? await decode(fromBase64(text)) : null;
  } catch {
    return null;
  }
}

const place = document.getElementById("result");
if (place) {
  const [result, catalogue] = ["data", "catalogue"].map((id) => JSON.parse(carried(id)));
  recorded().then((recording) => {
    renderResult(place, result, { recording, catalogue });
    document.documentElement.dataset.drawn = recording ? "with sound" : "without sound";
  });
}
