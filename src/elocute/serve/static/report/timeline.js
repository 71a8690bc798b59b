// @ts-check
/** The recording over time: words and phones above waveform, spectrogram and pitch, all on one scale. */

import { h, svg } from "./dom.js";
import { heardInstead, isStressed, phoneBand, seconds, syllables, wordBand } from "./reading.js";
import { peaks } from "./sound.js";
import { drawSpectrogram } from "./spectrogram.js";

/** @typedef {import("./stage.js").Stage} Stage */

const PER_SECOND = 185; // pixels at least, so that the label of a short phone fits
const MOST_PIXELS = 8192; // a canvas is never wider
const WAVE = 64;
const SPECTROGRAM = 150;
const PITCH = 96;

/**
 * @param {Stage} stage
 * @returns {HTMLElement}
 */
export function timeline(stage) {
  const { result, recording } = stage;
  const playhead = h("div", { class: "playhead", hidden: true });
  const wave = recording && h("canvas", { class: "wave", height: WAVE });
  const spectrum = recording && h("canvas", { class: "spectrum", height: SPECTROGRAM });
  const sounds = h("div", { class: "sounds" }, wave, spectrum, pitch(stage),
    wave && caption("waveform", 0), spectrum && caption("spectrogram, 0 to 8 kHz", WAVE));
  const track = h("div", { class: "track", style: { "--duration": result.duration } },
    lane("words", result.words.map((_, i) => wordLabel(stage, i))),
    lane("phones", result.words.flatMap((_, i) => phoneLabels(stage, i))),
    sounds, marks(stage), axis(result.duration), playhead);
  const scroller = h("div", { class: "scroller", tabindex: "0", role: "group", "aria-label": "The recording over time" }, track);
  track.style.minWidth = `${Math.ceil(result.duration * PER_SECOND)}px`;
  sounds.addEventListener("click", (event) => {
    const box = sounds.getBoundingClientRect();
    hearAt(stage, ((event.clientX - box.left) / box.width) * result.duration);
  });
  follow(stage, track, scroller, playhead);
  if (recording && wave && spectrum) {
    const draw = () => drawSound(recording.samples, /** @type {HTMLCanvasElement} */ (wave), /** @type {HTMLCanvasElement} */ (spectrum));
    new ResizeObserver(draw).observe(track);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw, { signal: stage.signal });
  }
  return scroller;
}

/** Hear the word at a time, or what follows if none is spoken. @param {Stage} stage @param {number} time */
function hearAt(stage, time) {
  const word = stage.wordAt(time);
  if (word >= 0) stage.hear(word);
  else stage.play(time);
}

/**
 * @param {Stage} stage @param {HTMLElement} track @param {HTMLElement} scroller @param {HTMLElement} playhead
 */
function follow(stage, track, scroller, playhead) {
  stage.addEventListener("tick", () => {
    playhead.hidden = stage.time === null;
    if (stage.time === null) return;
    const share = stage.time / stage.result.duration;
    playhead.style.left = `${100 * share}%`;
    const at = share * track.offsetWidth - scroller.scrollLeft;
    if (at < 0 || at > scroller.clientWidth) scroller.scrollLeft += at - scroller.clientWidth / 4;
  });
  stage.addEventListener("select", () => {
    for (const label of track.querySelectorAll("[data-word]")) {
      label.classList.toggle("selected", Number(label.getAttribute("data-word")) === stage.selected);
    }
    const word = stage.result.words[stage.selected];
    const [left, right] = [word.start, word.end].map((t) => (t / stage.result.duration) * track.offsetWidth);
    if (left < scroller.scrollLeft || right > scroller.scrollLeft + scroller.clientWidth) {
      scroller.scrollTo({ left: left - 40, behavior: "smooth" });
    }
  });
}

/** @param {number} start @param {number} end @param {number} duration */
const span = (start, end, duration) => ({
  left: `${(100 * start) / duration}%`,
  width: `${(100 * Math.max(end - start, 0)) / duration}%`,
});

/** @param {string} text @param {number} top */
const caption = (text, top) => h("span", { class: "caption", "aria-hidden": "true", style: { top: `${top}px` } }, text);

/** @param {string} name @param {HTMLElement[]} labels */
const lane = (name, labels) => h("div", { class: `lane ${name}`, "aria-hidden": "true" }, labels);

/** @param {Stage} stage @param {number} index */
function wordLabel(stage, index) {
  const word = stage.result.words[index];
  return h("button", {
    type: "button", tabindex: "-1", class: `word ${wordBand(word)} ${word.verdict}`, "data-word": index,
    style: span(word.start, word.end, stage.result.duration),
    title: `${word.text}, ${seconds(word.start)} to ${seconds(word.end)}`, onclick: () => stage.hear(index),
  }, h("span", { class: "mark" }, word.text));
}

/** @param {Stage} stage @param {number} index */
function phoneLabels(stage, index) {
  const word = stage.result.words[index];
  return word.phones.map((phone, place) => {
    const heard = heardInstead(word, place);
    const other = heard === null ? null : heard === "" ? "∅" : stage.catalogue.sounds[heard]?.ipa ?? heard;
    return h("span", {
      class: `phone ${phoneBand(phone)}`, "data-word": index,
      style: span(phone.start, phone.end, stage.result.duration),
    }, h("span", { class: "mark" }, phone.ipa), other && h("span", { class: "other" }, other));
  });
}

/** Pauses and speech outside the text, over the whole height. @param {Stage} stage */
function marks(stage) {
  const { pauses, insertions = [], duration } = stage.result;
  return h("div", { class: "marks", "aria-hidden": "true" },
    pauses.map((pause) => h("div", { class: "gap pause", style: span(pause.start, pause.end, duration) },
      h("span", {}, `‖ ${seconds(pause.end - pause.start)}`))),
    insertions.map((item) => h("div", { class: "gap inserted", style: span(item.start, item.end, duration) },
      h("span", {}, item.text ? `+ ${item.text}` : `+ ${item.kind}`))));
}

/** @param {number} duration */
function axis(duration) {
  const step = duration > 60 ? 5 : duration > 20 ? 2 : duration > 8 ? 1 : 0.5;
  const times = Array.from({ length: Math.floor(duration / step - 0.3) + 1 }, (_, i) => i * step);
  return h("div", { class: "axis", "aria-hidden": "true" },
    times.map((time) => h("span", { style: { left: `${(100 * time) / duration}%` } }, `${time}${time ? "" : " s"}`)));
}

/** @param {Float32Array} samples @param {HTMLCanvasElement} wave @param {HTMLCanvasElement} spectrum */
function drawSound(samples, wave, spectrum) {
  const width = Math.min(Math.round(wave.clientWidth * devicePixelRatio), MOST_PIXELS);
  if (width < 1) return;
  wave.width = spectrum.width = width;
  wave.height = WAVE * devicePixelRatio;
  spectrum.height = SPECTROGRAM * devicePixelRatio;
  const style = getComputedStyle(wave);
  const context = wave.getContext("2d");
  if (!context) return;
  const found = peaks(samples, width);
  const loudest = Math.max(found.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0), 1e-4);
  context.fillStyle = style.color;
  for (let x = 0; x < width; x++) {
    const [low, high] = [found[2 * x], found[2 * x + 1]].map((sample) => (0.5 - 0.47 * (sample / loudest)) * wave.height);
    context.fillRect(x, high, 1, Math.max(low - high, 1));
  }
  const ink = (getComputedStyle(spectrum).color.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  drawSpectrogram(spectrum, samples, ink);
}

/** The F0 contour in semitones, and which vowels carry the stress. @param {Stage} stage */
function pitch(stage) {
  const { words, duration, pitch: contour } = stage.result;
  if (!contour) return null;
  const voiced = contour.f0.filter((hertz) => hertz !== null).map((hertz) => Math.log2(hertz)).sort((a, b) => a - b);
  if (!voiced.length) return null;
  const middle = voiced[voiced.length >> 1];
  const reach = Math.max(0.5, middle - voiced[Math.floor(0.02 * voiced.length)], voiced[Math.floor(0.98 * (voiced.length - 1))] - middle);
  /** @param {number} hertz */
  const height = (hertz) => PITCH * Math.min(Math.max(0.56 - (0.38 * (Math.log2(hertz) - middle)) / reach, 0.03), 0.97);
  let path = "";
  let pen = "M";
  contour.f0.forEach((hertz, frame) => {
    if (hertz !== null) path += `${pen}${((1000 * frame * contour.frame_shift) / duration).toFixed(2)} ${height(hertz).toFixed(1)}`;
    pen = hertz === null ? "M" : "L";
  });
  const stressed = words.flatMap((word) =>
    word.verdict === "omitted" || syllables(word) < 2 ? [] : word.phones.filter(({ phone }) => isStressed(phone)));
  const lines = [0.5, 0, -0.5].map((octaves) => 2 ** (middle + octaves * Math.min(reach, 1)));
  return h("div", { class: "pitch" },
    svg("svg", { viewBox: `0 0 1000 ${PITCH}`, preserveAspectRatio: "none", role: "img", "aria-label": "Pitch contour" },
      lines.map((hertz) => svg("line", { x1: 0, x2: 1000, y1: height(hertz), y2: height(hertz), class: "grid" })),
      svg("path", { d: path, class: "halo" }), svg("path", { d: path, class: "contour" })),
    h("span", { class: "caption", "aria-hidden": "true" }, "pitch"),
    stressed.map((phone) => h("span", { class: "stress", style: span(phone.start, phone.end, duration) }, "ˈ")),
    lines.map((hertz) => h("span", { class: "hertz", style: { top: `${height(hertz)}px` } }, `${hertz.toFixed(0)} Hz`)));
}
