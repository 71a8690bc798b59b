// @ts-check
/** Scores of earlier attempts, kept in this browser alone. */

import { h, svg } from "./report/dom.js";
import { band, points, wordBand } from "./report/reading.js";

const KEY = "elocute-attempts";
const MOST = 300;
const SHOWN = 8;
const [WIDTH, HEIGHT] = [320, 64];

/**
 * @typedef {object} Attempt
 * @property {string} text
 * @property {number} time
 * @property {number} total
 * @property {Record<string, number | null>} scores
 * @property {string[]} weak
 */

/** @returns {Attempt[]} */
export function attempts() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((item) => typeof item?.total === "number" && typeof item?.text === "string") : [];
  } catch {
    return []; // storage is off, or holds something else
  }
}

/** @param {import("./report/types").Result} result */
export function remember(result) {
  const { total, ...scores } = result.scores;
  if (total === null) return;
  const weak = [...new Set(result.words.filter((word) => wordBand(word) === "weak").map((word) => word.text))];
  keep([...attempts(), { text: result.text, time: Date.now(), total, scores, weak }].slice(-MOST));
}

export const forget = () => keep([]);

/** @param {Attempt[]} all */
function keep(all) {
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    // storage is off or full: this page works without it
  }
}

/** The attempts at a text, as a curve and a table. @param {string} text @returns {Node[]} */
export function progress(text) {
  const mine = attempts().filter((attempt) => same(attempt.text) === same(text));
  if (!mine.length) return [];
  const best = Math.max(...mine.map(({ total }) => total));
  const rows = mine.map((attempt, index) => ({ attempt, index })).slice(-SHOWN).reverse();
  return [
    h("p", {}, mine.length === 1 ? "First attempt at this sentence." : `${mine.length} attempts at this sentence, best ${points(best)}.`),
    ...(mine.length > 1 ? [curve(mine)] : []),
    h("div", { class: "scroller", tabindex: "0", role: "group", "aria-label": "Attempts" }, h("table", {},
      h("thead", {}, h("tr", {}, ["When", "Total", "Change", "Accuracy", "Fluency", "Prosody", "Words to work on"]
        .map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows.map(({ attempt, index }) => row(attempt, mine[index - 1]))))),
  ];
}

/** How the last attempt at a text compares with those before, in a line. @param {string} text */
export function change(text) {
  const mine = attempts().filter((attempt) => same(attempt.text) === same(text)).map(({ total }) => Math.round(total));
  if (mine.length < 2) return "";
  const more = mine[mine.length - 1] - mine[mine.length - 2];
  const news = more > 0 ? `▲ ${more} more than last time` : more < 0 ? `▼ ${-more} less than last time` : "the same as last time";
  return `Attempt ${mine.length}: ${news}${mine[mine.length - 1] === Math.max(...mine) && more > 0 ? ", your best" : ""}.`;
}

/** @param {Attempt} attempt @param {Attempt | undefined} before */
function row(attempt, before) {
  const change = before ? Math.round(attempt.total) - Math.round(before.total) : 0;
  return h("tr", {},
    h("th", { scope: "row" }, new Date(attempt.time).toLocaleString([], { dateStyle: "short", timeStyle: "short" })),
    h("td", { class: `number ${band(attempt.total)}` }, points(attempt.total)),
    h("td", { class: "number" }, before ? (change > 0 ? `▲ ${change}` : change < 0 ? `▼ ${-change}` : "=") : ""),
    ["accuracy", "fluency", "prosody"].map((name) => h("td", { class: "number" }, points(attempt.scores[name] ?? null))),
    h("td", {}, attempt.weak.join(", ") || "none"));
}

/** @param {Attempt[]} mine */
function curve(mine) {
  const shown = mine.slice(-30);
  const x = (/** @type {number} */ index) => 8 + ((WIDTH - 16) * index) / Math.max(shown.length - 1, 1);
  const low = Math.min(50, ...shown.map(({ total }) => total - 5));
  const y = (/** @type {number} */ total) => HEIGHT - 6 - ((HEIGHT - 12) * (total - low)) / (100 - low);
  const label = `Totals from first to last: ${shown.map(({ total }) => points(total)).join(", ")}`;
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "curve", role: "img", "aria-label": label },
    [60, 80].map((total) => [
      svg("line", { x1: 0, x2: WIDTH, y1: y(total), y2: y(total), class: "grid" }),
      svg("text", { x: WIDTH, y: y(total) - 2, "text-anchor": "end" }, String(total))]).flat(),
    svg("polyline", { points: shown.map(({ total }, index) => `${x(index)},${y(total)}`).join(" ") }),
    shown.map(({ total }, index) => svg("circle", { cx: x(index), cy: y(total), r: 3.5 })));
}

/** Texts are the same whatever their case and punctuation. @param {string} text */
const same = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}']+/gu, " ").trim();
