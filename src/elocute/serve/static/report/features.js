// @ts-check
/** Measurements: the few that matter first, all of them by family on demand. */

import { h, unseen } from "./dom.js";
import { compared, measured } from "./reading.js";

/** @typedef {import("./types").Feature} Feature */
/** @typedef {import("./types").Catalogue} Catalogue */

const FIRST = 4;
const LEAST_EFFECT = 0.05; // points that are shown
const USUAL = 10; // per cent on either side of what is usual

/**
 * @param {Record<string, Feature>} features
 * @param {Catalogue} catalogue
 * @returns {HTMLElement}
 */
export function measurements(features, catalogue) {
  const known = Object.keys(features).filter((name) => features[name].value !== null);
  const place = (/** @type {string} */ name) => catalogue.features[name]?.key || 0;
  const key = known.filter(place).sort((a, b) => place(a) - place(b));
  const telling = known
    .map((name, order) => ({ name, order, weight: key.includes(name) ? 0 : weight(features[name]) }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight || a.order - b.order)
    .slice(0, FIRST)
    .map(({ name }) => name);
  /** @type {Map<string, string[]>} */
  const families = new Map();
  for (const name of known) {
    const family = catalogue.features[name]?.family || "all";
    families.set(family, [...(families.get(family) ?? []), name]);
  }
  const list = (/** @type {string[]} */ names, advised = false) =>
    h("ul", { class: "features" }, names.map((name) => row(name, features[name], catalogue, advised)));
  return h("div", { class: "measurements" },
    h("p", { class: "quiet" }, intro([...key, ...telling].map((name) => features[name]))),
    key.length > 0 && list(key, true),
    telling.length > 0 && h("h3", {}, "What else tells most about this reading"),
    telling.length > 0 && list(telling, true),
    h("h3", {}, "All measurements"),
    [...families].map(([family, names]) => h("details", {},
      h("summary", {}, `${title(family)} `, h("span", { class: "quiet" }, `${names.length}`)), list(names))));
}

/** What the rows' parts mean. @param {Feature[]} shown */
function intro(shown) {
  return [
    shown.some(({ percentile }) => percentile !== null) && "The grey band holds four of five fluent readers, the mark is this reading.",
    shown.some(({ effect }) => effect !== null) && "On the right: what it adds to the total or takes from it, in points.",
  ].filter(Boolean).join(" ");
}

/** How much a feature tells: its effect in points first, then how unusual it is. @param {Feature} feature */
function weight({ effect, percentile }) {
  if (effect !== null && Math.abs(effect) >= LEAST_EFFECT) return 1 + Math.abs(effect);
  return percentile === null ? 0 : Math.abs(percentile - 50) / 100;
}

/**
 * @param {string} name
 * @param {Feature} feature
 * @param {Catalogue} catalogue
 * @param {boolean} [advised] with what to do about it, if it is unusual and not known to add points
 */
function row(name, feature, catalogue, advised = false) {
  const entry = catalogue.features[name];
  const { value, unit, percentile, effect } = feature;
  return h("li", { title: entry?.formula },
    h("span", { class: "name" }, entry?.label || title(name)),
    h("span", { class: "value" }, value === null ? "–" : measured(value, unit)),
    percentile === null ? h("span", { class: "bar none" }) : bar(percentile),
    h("span", { class: "quiet compared" }, percentile === null ? entry?.formula ?? "" : compared(percentile, entry?.words)),
    effect !== null && Math.abs(effect) >= LEAST_EFFECT
      ? h("span", { class: `effect ${effect < 0 ? "minus" : "plus"}` }, `${effect < 0 ? "−" : "+"}${Math.abs(effect).toFixed(1)}`, unseen(" points of the total"))
      : h("span", { class: "effect" }),
    advised && entry?.advice && (effect ?? -1) < 0 && isUnusual(percentile) && h("span", { class: "todo" }, entry.advice));
}

/** @param {number | null} percentile */
const isUnusual = (percentile) => percentile !== null && (percentile < USUAL || percentile > 100 - USUAL);

/** @param {number} percentile */
function bar(percentile) {
  return h("span", { class: `bar ${isUnusual(percentile) ? "unusual" : "usual"}`, "aria-hidden": "true" },
    h("i", { style: { left: `${Math.min(Math.max(percentile, 1), 99)}%` } }));
}

/** @param {string} name */
function title(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
