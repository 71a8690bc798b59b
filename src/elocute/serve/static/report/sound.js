// @ts-check
/** The recording: decoded, and played from one time to another. */

/** @typedef {import("./types").Recording} Recording */

export const RATE = 16000;
const FADE = 0.008;

/**
 * The samples of a WAV, FLAC, OGG or MP3 file, mixed to one channel at 16 kHz.
 * @param {ArrayBuffer} bytes
 * @returns {Promise<Recording>}
 */
export async function decode(bytes) {
  const buffer = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes.slice(0));
  const samples = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const data = buffer.getChannelData(channel);
    for (let i = 0; i < samples.length; i++) samples[i] += data[i] / buffer.numberOfChannels;
  }
  return { samples, rate: buffer.sampleRate };
}

/** @param {string} text base64 */
export function fromBase64(text) {
  const binary = atob(text);
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0)).buffer;
}

/**
 * Lowest and highest sample of each of `count` stretches, as [low, high, low, high, …].
 * @param {Float32Array} samples
 * @param {number} count
 */
export function peaks(samples, count) {
  const found = new Float32Array(2 * count);
  for (let i = 0; i < count; i++) {
    const end = Math.max(Math.floor(((i + 1) * samples.length) / count), Math.floor((i * samples.length) / count) + 1);
    let low = 0;
    let high = 0;
    for (let k = Math.floor((i * samples.length) / count); k < end && k < samples.length; k++) {
      if (samples[k] < low) low = samples[k];
      if (samples[k] > high) high = samples[k];
    }
    found[2 * i] = low;
    found[2 * i + 1] = high;
  }
  return found;
}

/** Plays stretches of a recording; a new one ends the one before. */
export class Player {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioBuffer | null} */
  #buffer = null;
  /** @type {(() => void) | null} */
  #end = null;
  #asked = 0;

  /** @param {Recording} recording */
  constructor(recording) {
    this.recording = recording;
  }

  /**
   * @param {number} start seconds
   * @param {number} end seconds
   * @param {(time: number | null) => void} tick called with the time being heard, null at the end
   */
  async play(start, end, tick) {
    this.stop();
    const asked = ++this.#asked;
    const context = (this.#context ??= new AudioContext());
    if (context.state === "suspended") await context.resume();
    if (asked !== this.#asked) return; // something else was asked for meanwhile
    const source = new AudioBufferSourceNode(context, { buffer: this.#heard(context) });
    const gain = new GainNode(context, { gain: 0 });
    source.connect(gain).connect(context.destination);
    const begun = context.currentTime + 0.02;
    const length = Math.max(end - start, 2 * FADE);
    gain.gain.setValueAtTime(0, begun);
    gain.gain.linearRampToValueAtTime(1, begun + FADE);
    gain.gain.setValueAtTime(1, begun + length - FADE);
    gain.gain.linearRampToValueAtTime(0, begun + length);
    source.start(begun, start, length);
    let over = false;
    const finish = () => {
      if (over) return;
      over = true;
      this.#end = null;
      tick(null);
    };
    source.onended = finish;
    this.#end = () => {
      source.stop();
      finish();
    };
    const step = () => {
      if (over) return;
      tick(Math.min(Math.max(start + context.currentTime - begun, start), end));
      requestAnimationFrame(step);
    };
    step();
  }

  stop() {
    this.#asked++;
    this.#end?.();
  }

  /** End for good. */
  close() {
    this.stop();
    this.#context?.close();
    this.#context = null;
  }

  /** @param {AudioContext} context */
  #heard(context) {
    const { samples, rate } = this.recording;
    if (!this.#buffer) {
      this.#buffer = context.createBuffer(1, Math.max(samples.length, 1), rate);
      this.#buffer.getChannelData(0).set(samples);
    }
    return this.#buffer;
  }
}
