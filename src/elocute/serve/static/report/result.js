// @ts-check
/** A result as a page: the same for the report and for the page that records. */

import { h } from "./dom.js";
import { measurements } from "./features.js";
import { BAND_NAMES, band, points, wordBand } from "./reading.js";
import { Stage } from "./stage.js";
import { timeline } from "./timeline.js";
import { detail, words } from "./words.js";

/** @typedef {import("./types").Result} Result */
/** @typedef {import("./types").Score} Score */

const STATUS = {
  ok: "The text was read.",
  incomplete: "Parts of the text were not heard.",
  no_speech: "No speech was found in the recording.",
  off_script: "Something else than the text was spoken.",
};

/** What is shown where. @type {WeakMap<HTMLElement, Stage>} */
const stages = new WeakMap();

/**
 * Draw a result into an element, in place of what was there.
 * @param {HTMLElement} root
 * @param {Result} result
 * @param {{ recording?: import("./types").Recording | null, catalogue: import("./types").Catalogue }} options
 * @returns {Stage}
 */
export function renderResult(root, result, { recording = null, catalogue }) {
  stages.get(root)?.close();
  const stage = new Stage(result, recording, catalogue);
  stages.set(root, stage);
  const scored = result.scores.total !== null;
  const spoken = result.status !== "no_speech";
  root.classList.add("result");
  root.replaceChildren(...[
    notices(result),
    scored && h("div", { class: "summary" }, scores(result), suggestions(stage)),
    spoken && section("Word by word", [words(stage), legend(), detail(stage)], playAll(stage)),
    spoken && section("The recording", [timeline(stage)]),
    spoken && Object.keys(result.features).length > 0 && section("Measurements", [measurements(result.features, catalogue)]),
    h("p", { class: "quiet model" }, `${result.model.name} ${result.model.version} · ${result.model.sha256.slice(0, 12)}`),
  ].filter((item) => item instanceof Node));
  const first = (result.suggestions ?? []).find(({ word }) => word !== null)?.word ?? weakest(result);
  if (spoken && first >= 0) stage.select(first);
  return stage;
}

/** @param {Result} result */
function weakest({ words: all }) {
  const totals = all.map(({ total }) => total ?? 101);
  return totals.indexOf(Math.min(...totals));
}

/** @param {string} title @param {Node[]} parts @param {Node | false | null} [action] */
const section = (title, parts, action) =>
  h("section", {}, h("div", { class: "title" }, h("h2", {}, title), action), parts);

/** @param {Result} result */
function notices(result) {
  const said = result.warnings.some(({ code }) => code === result.status);
  return h("div", { class: "notices" },
    !said && result.status !== "ok" && h("p", { class: "notice" }, STATUS[result.status]),
    result.warnings.map(({ message }) => h("p", { class: "notice" }, message)));
}

/** @param {Result} result */
function scores({ words: all, scores: { total, accuracy, fluency, prosody, completeness } }) {
  /** @type {[string, Score, string][]} */
  const aspects = [
    ["Accuracy", accuracy, "how well the sounds were made"],
    ["Fluency", fluency, "pace and pauses"],
    ["Prosody", prosody, "stress, rhythm and melody"],
    ["Completeness", completeness, "share of the words that were heard"],
  ];
  return h("div", { class: "scores" },
    h("p", { class: `total ${band(total)}` },
      h("strong", {}, points(total)), h("span", { class: "of" }, " of 100"), h("span", { class: "word mark" }, BAND_NAMES[band(total)])),
    h("dl", {}, aspects.map(([name, score, about]) => h("div", { class: band(score), title: about },
      h("dt", {}, name), h("dd", {}, points(score)),
      h("dd", { class: "meter", "aria-hidden": "true" }, h("i", { style: { width: `${score ?? 0}%` } }))))),
    h("p", { class: "quiet" }, tally(all)));
}

/** How many words are in each band. @param {Result["words"]} all */
function tally(all) {
  /** @param {string} name */
  const count = (name) => all.filter((word) => word.verdict !== "omitted" && wordBand(word) === name).length;
  const omitted = all.filter(({ verdict }) => verdict === "omitted").length;
  return `${all.length} ${all.length === 1 ? "word" : "words"}: ` + [
    ...["good", "fair", "weak"].map((name) => count(name) && `${count(name)} ${BAND_NAMES[/** @type {"good"} */ (name)]}`),
    omitted && `${omitted} not heard`,
  ].filter(Boolean).join(", ");
}

/** @param {Stage} stage */
function suggestions(stage) {
  const { suggestions: found = [], words: all } = stage.result;
  if (!found.length) return null;
  return h("div", { class: "advice" }, h("h2", {}, "What to work on"),
    h("ol", {}, found.map(({ code, title, message, word }) => h("li", {},
      h("h3", {}, title), h("p", {}, message),
      word !== null && stage.player && all[word].verdict !== "omitted"
        && h("button", { type: "button", class: "plain", onclick: () => hear(stage, code, word) },
          code === "inserted" ? "▶ Hear it" : `▶ Hear “${all[word].text}${code === "pause" ? ` … ${all[word + 1].text}` : ""}”`)))));
}

/** The word, both words around a pause, or what was said beside the text. @param {Stage} stage @param {string} code @param {number} word */
function hear(stage, code, word) {
  stage.hear(word);
  const { words: all, insertions = [] } = stage.result;
  if (code === "pause") stage.play(all[word].start, all[word + 1].end);
  if (code === "inserted" && insertions.length) stage.play(insertions[0].start - 0.2, insertions[0].end + 0.2);
}

/** @param {Stage} stage */
function playAll(stage) {
  if (!stage.player) return null;
  const button = h("button", {
    type: "button", class: "plain", onclick: () => (stage.time === null ? stage.play() : stage.stop()),
  }, "▶ Hear it all");
  stage.addEventListener("tick", () => {
    button.textContent = stage.time === null ? "▶ Hear it all" : "■ Stop";
  });
  return button;
}

function legend() {
  /** @type {[import("./reading.js").Band, string][]} */
  const bands = [["good", "80 and more"], ["fair", "60 to 79"], ["weak", "below 60"]];
  return h("p", { class: "legend quiet" },
    bands.map(([name, range]) => h("span", { class: name }, h("span", { class: "mark" }, BAND_NAMES[name]), ` ${range}`)),
    h("span", {}, "θ→s heard instead"), h("span", {}, "‖ pause"), h("span", {}, "ˈ stress"));
}

