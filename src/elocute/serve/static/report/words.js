// @ts-check
/** The text as it was read: every word with its sounds, and one word in detail. */

import { h, unseen } from "./dom.js";
import {
  added, BAND_NAMES, base, heardInstead, isStressed, percent, phoneBand, points, seconds, syllables, wordBand,
} from "./reading.js";

/** @typedef {import("./stage.js").Stage} Stage */
/** @typedef {import("./types").Word} Word */

const UNSURE = 0.5; // confidence below which a word's times are doubtful

/** @type {Record<string, string>} */
const KINDS = { filler: "filled pause", repetition: "said again", fragment: "broken off", speech: "not in the text" };

/** @param {Stage} stage */
export function words(stage) {
  const { result } = stage;
  const items = [...between(stage, -1)];
  result.words.forEach((_, index) => items.push(h("li", {}, wordButton(stage, index)), ...between(stage, index)));
  const list = h("ol", { class: "reading" }, items);
  const buttons = [.../** @type {NodeListOf<HTMLButtonElement>} */ (list.querySelectorAll("button.said"))];
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    if (step && at >= 0) {
      event.preventDefault();
      buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)].focus();
    }
  });
  stage.addEventListener("select", () => {
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === stage.selected)));
  });
  stage.addEventListener("tick", () => {
    buttons.forEach((button, index) => button.classList.toggle("playing", index === stage.heard));
  });
  return list;
}

/** Pauses and speech outside the text after a word. @param {Stage} stage @param {number} index */
function between(stage, index) {
  const gaps = stage.result.pauses.filter((pause) => pause.after_word === index).map((pause) => ({
    start: pause.start,
    item: h("li", { class: "between pause" }, h("span", { "aria-hidden": "true" }, "‖ "), unseen("pause, "), seconds(pause.end - pause.start)),
  }));
  const extra = (stage.result.insertions ?? []).filter((item) => item.after_word === index).map((item) => ({
    start: item.start,
    item: h("li", { class: "between inserted" },
      h("button", { type: "button", onclick: () => stage.play(item.start, item.end) },
        `+ ${item.text ? `“${item.text}” ` : ""}${KINDS[item.kind]}`)),
  }));
  return [...gaps, ...extra].sort((a, b) => a.start - b.start).map(({ item }) => item);
}

/** @param {Stage} stage @param {number} index */
function wordButton(stage, index) {
  const word = stage.result.words[index];
  const level = wordBand(word);
  const long = syllables(word) > 1;
  return h("button", {
    type: "button", class: `said ${level} ${word.verdict}`, "data-word": index, "aria-pressed": "false",
    onclick: () => stage.hear(index),
  },
    h("span", { class: "top" }, h("span", { class: "mark" }, word.text), unseen(spoken(stage, word)),
      h("span", { class: "points", "aria-hidden": "true" }, points(word.total))),
    word.verdict === "omitted"
      ? h("span", { class: "sounds-of", "aria-hidden": "true" }, "not heard")
      : h("span", { class: "sounds-of", "aria-hidden": "true" }, word.phones.flatMap((phone, place) => {
        const heard = heardInstead(word, place);
        return [...extra(stage, word, place), h("span", { class: `phone ${phoneBand(phone)}` },
          long && isStressed(phone.phone) && h("i", { class: "accent" }, "ˈ"),
          h("span", { class: "mark" }, phone.ipa), heard !== null && h("span", { class: "other" }, `→${symbol(stage, heard)}`))];
      }), extra(stage, word, word.phones.length)));
}

/** Sounds that were added. @param {Stage} stage @param {Word} word @param {number} place */
const extra = (stage, word, place) =>
  added(word, place).map((phone) => h("span", { class: "phone weak extra" }, `+${symbol(stage, phone)}`));

/** What a screen reader says behind a word. @param {Stage} stage @param {Word} word */
function spoken(stage, word) {
  if (word.verdict === "omitted") return ": not heard";
  const faults = word.phones.flatMap((phone, place) => {
    const heard = heardInstead(word, place);
    if (heard === null) return phoneBand(phone) === "weak" ? [`${as(stage, phone.phone)} is weak`] : [];
    return [heard === "" ? `${as(stage, phone.phone)} was not heard` : `${as(stage, phone.phone)} was heard as ${symbol(stage, heard)}`];
  });
  const more = [...word.phones, null].flatMap((_, place) => added(word, place)).map((phone) => `${as(stage, phone)} was added`);
  const verdict = word.verdict === "ok" ? BAND_NAMES[wordBand(word)] : word.verdict;
  return [`: ${points(word.total)} of 100, ${verdict}`, ...faults, ...more].join("; ");
}

/** @param {Stage} stage @param {string} phone */
function as(stage, phone) {
  const sound = stage.catalogue.sounds[base(phone)];
  return sound ? `${sound.ipa} as in ${sound.example}` : base(phone);
}

/** @param {Stage} stage @param {string} phone */
const symbol = (stage, phone) => (phone === "" ? "∅" : stage.catalogue.sounds[base(phone)]?.ipa ?? phone);

/** One word in detail: the chosen one. @param {Stage} stage */
export function detail(stage) {
  const panel = h("div", { class: "detail", "aria-live": "polite" });
  const draw = () => {
    const word = stage.result.words[stage.selected];
    if (word) panel.replaceChildren(...inside(stage, word));
  };
  stage.addEventListener("select", draw);
  globalThis.speechSynthesis?.addEventListener?.("voiceschanged", draw, { signal: stage.signal }); // they come late
  return panel;
}

/** @param {Stage} stage @param {Word} word */
function inside(stage, word) {
  const index = stage.selected;
  const said = word.verdict !== "omitted";
  const facts = [
    said ? `${points(word.total)} of 100` : "not heard",
    word.verdict === "mispronounced" && "mispronounced",
    said && word.stress !== null && syllables(word) > 1 && `stress ${points(word.stress)}`,
    said && `${seconds(word.start)} to ${seconds(word.end)}`,
    said && (word.confidence ?? 1) < UNSURE && "its place in the recording is uncertain",
    word.pronunciation_source === "g2p" && "pronunciation guessed",
  ].filter(Boolean).join(" · ");
  return [
    h("div", { class: "head" },
      h("h3", {}, word.text), h("p", { class: "quiet" }, facts),
      h("div", { class: "actions" },
        said && stage.player && h("button", { type: "button", class: "plain", onclick: () => stage.hear(index) }, "▶ As you said it"),
        canSpeak() && h("button", { type: "button", class: "plain", onclick: () => speak(word.text) }, "▶ Model voice"))),
    said && h("ul", { class: "rows" }, word.phones.map((_, place) => phoneRow(stage, word, place))),
  ].filter((item) => item instanceof Node);
}

/** @param {Stage} stage @param {Word} word @param {number} place */
function phoneRow(stage, word, place) {
  const phone = word.phones[place];
  const sound = stage.catalogue.sounds[base(phone.phone)];
  const level = phoneBand(phone);
  const heard = heardInstead(word, place);
  const candidates = phone.heard.filter(({ probability }) => probability >= 0.05)
    .map(({ phone: other, probability }) => `${symbol(stage, other)} ${percent(probability)}`).join(", ");
  return h("li", { class: level },
    h("span", { class: "ipa mark" }, phone.ipa),
    h("span", { class: "example" }, sound && `as in ${sound.example}`),
    h("span", { class: "meter", "aria-hidden": "true" }, h("i", { style: { width: `${phone.accuracy ?? 0}%` } })),
    h("span", { class: "points" }, points(phone.accuracy)),
    h("span", { class: "heard" },
      heard === "" ? "not heard" : candidates && `heard ${candidates}`),
    level !== "good" && sound && h("span", { class: "how" }, sound.how));
}

export function canSpeak() {
  return "speechSynthesis" in globalThis && speechSynthesis.getVoices().length > 0;
}

/** Say a text with the browser's voice, a little slower than usual. @param {string} text */
export function speak(text) {
  const utterance = new SpeechSynthesisUtterance(text);
  utterance.lang = "en-US";
  utterance.rate = 0.9;
  utterance.voice = speechSynthesis.getVoices().find(({ lang, localService }) => localService && lang.startsWith("en")) ?? null;
  speechSynthesis.cancel();
  speechSynthesis.speak(utterance);
}
