// @ts-check
/** What all parts of one result share: the result, its sound, what is selected and what is being heard. */

import { Player } from "./sound.js";

/** @typedef {import("./types").Result} Result */
/** @typedef {import("./types").Catalogue} Catalogue */
/** @typedef {import("./types").Recording} Recording */

const AROUND = 0.03; // seconds before and after a word that are heard with it

/** Emits `select` (a word was chosen) and `tick` (the time being heard changed). */
export class Stage extends EventTarget {
  /** Index of the chosen word, -1 for none. */
  selected = -1;
  /** Seconds, null in silence. @type {number | null} */
  time = null;
  /** Index of the word being heard, -1 for none. */
  heard = -1;
  #closing = new AbortController();
  /** Ends what listens beyond this result, when the result goes. */
  signal = this.#closing.signal;

  /**
   * @param {Result} result
   * @param {Recording | null} recording
   * @param {Catalogue} catalogue
   */
  constructor(result, recording, catalogue) {
    super();
    this.result = result;
    this.catalogue = catalogue;
    this.recording = recording;
    this.player = recording && new Player(recording);
  }

  /** @param {number} index */
  select(index) {
    this.selected = index;
    this.dispatchEvent(new Event("select"));
  }

  /** Choose a word and hear it as it was spoken. @param {number} index */
  hear(index) {
    this.select(index);
    const word = this.result.words[index];
    if (word.verdict !== "omitted") this.play(word.start - AROUND, word.end + AROUND);
  }

  /**
   * @param {number} [start]
   * @param {number} [end]
   */
  play(start = 0, end = this.result.duration) {
    const [from, to] = [Math.max(start, 0), Math.min(end, this.result.duration)];
    this.player?.play(from, to, (time) => {
      this.time = time;
      this.heard = time === null ? -1 : this.wordAt(time);
      this.dispatchEvent(new Event("tick"));
    });
  }

  stop() {
    this.player?.stop();
  }

  /** The result is not shown any more. */
  close() {
    this.#closing.abort();
    this.player?.close();
  }

  /** Index of the word spoken at a time, -1 for none. @param {number} time */
  wordAt(time) {
    return this.result.words.findIndex(
      (word) => word.verdict !== "omitted" && word.start <= time && time < word.end,
    );
  }
}
