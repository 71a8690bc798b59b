// @ts-check
/** How people read the numbers: bands with a name and a mark, so that colour is never the only sign. */

/** @typedef {import("./types").Phone} Phone */
/** @typedef {import("./types").Word} Word */
/** @typedef {import("./types").Score} Score */
/** @typedef {"good" | "fair" | "weak" | "unknown"} Band */

export const GOOD = 80;
export const FAIR = 60;
/** Probability from which an edit (another phone, or none, was said) is shown. */
const SHOWN = 0.5;

/** @type {Record<Band, string>} */
export const BAND_NAMES = { good: "good", fair: "fair", weak: "needs work", unknown: "no score" };

/** @param {Score} score @returns {Band} */
export function band(score) {
  if (score === null) return "unknown";
  return score >= GOOD ? "good" : score >= FAIR ? "fair" : "weak";
}

/** @param {Score} score */
export const points = (score) => (score === null ? "–" : score.toFixed(0));

/** @param {number} value */
export const seconds = (value) => `${value.toFixed(2)} s`;

/** @param {number} share */
export const percent = (share) => `${Math.round(100 * share)} %`;

/** The phone without its stress digit. @param {string} phone */
export const base = (phone) => phone.replace(/[012]$/, "");

/** @param {Word} word */
export const wordBand = (word) => (word.verdict === "ok" ? band(word.total) : "weak");

/** @param {Phone} phone */
export const phoneBand = (phone) => (phone.verdict === "mispronounced" ? "weak" : band(phone.accuracy));

/** @param {string} phone */
const isVowel = (phone) => /^[AEIOU]/.test(phone);

/** @param {string} phone */
export const isStressed = (phone) => phone.endsWith("1");

/** @param {Word} word */
export const syllables = (word) => word.phones.filter(({ phone }) => /\d$/.test(phone)).length;

/**
 * What was heard in place of a phone: its name, "" for nothing at all, null if it was the phone itself.
 * @param {Word} word
 * @param {number} index
 * @returns {string | null}
 */
export function heardInstead(word, index) {
  for (const edit of word.edits ?? []) {
    if (edit.position !== index || edit.probability < SHOWN) continue;
    if (edit.kind === "deletion") return "";
    if (edit.kind === "substitution" && edit.heard) return base(edit.heard);
  }
  const phone = word.phones[index];
  const best = phone.heard[0];
  if (phoneBand(phone) !== "weak" || !best || base(best.phone) === base(phone.phone)) return null;
  if (isVowel(best.phone) !== isVowel(phone.phone)) return null; // a blurred sound, not an exchanged one
  return base(best.phone);
}

/**
 * Sounds that were added before the phone at `index` (or at the end of the word, behind its last phone).
 * @param {Word} word
 * @param {number} index
 */
export const added = (word, index) => (word.edits ?? [])
  .filter(({ kind, position, heard, probability }) => kind === "insertion" && position === index && heard && probability >= SHOWN)
  .map(({ heard }) => base(heard ?? ""));

/** Value and unit, with as many digits as matter. @param {number} value @param {string} unit */
export function measured(value, unit) {
  const size = Math.abs(value);
  const digits = unit === "count" || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const plain = unit === "count" || unit === "ratio" || unit === "index" ? "" : ` ${unit}`;
  return `${value.toFixed(digits)}${plain}`;
}

/**
 * A place among fluent readers, in words.
 * @param {number} percentile
 * @param {[string, string]} [words] for a large and for a small value
 */
export function compared(percentile, [more, less] = ["higher", "lower"]) {
  if (percentile > 40 && percentile < 60) return "as most fluent readers";
  const share = percentile >= 50 ? percentile : 100 - percentile;
  return `${percentile >= 50 ? more : less} than ${share > 99 ? "nearly all" : `${Math.round(share)} %`} of fluent readers`;
}
