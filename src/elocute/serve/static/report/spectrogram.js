// @ts-check
/** A spectrogram as pixels of one colour: the louder, the less transparent. */

const WINDOW = 256; // 16 ms at 16 kHz: formants and voicing are both seen
const SIZE = 512;
const RANGE = 55; // dB below the loudest point that are shown

/**
 * In-place radix-2 Fourier transform.
 * @param {Float32Array} re
 * @param {Float32Array} im
 */
export function transform(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  const { cos, sin } = turns(n);
  for (let length = 2; length <= n; length <<= 1) {
    const half = length >> 1;
    const step = n / length;
    for (let k = 0; k < half; k++) {
      const c = cos[k * step];
      const s = sin[k * step];
      for (let i = k; i < n; i += length) {
        const j = i + half;
        const x = re[j] * c - im[j] * s;
        const y = re[j] * s + im[j] * c;
        re[j] = re[i] - x;
        im[j] = im[i] - y;
        re[i] += x;
        im[i] += y;
      }
    }
  }
}

/** @type {Map<number, { cos: Float32Array, sin: Float32Array }>} */
const tables = new Map();

/** Cosines and sines of 0 to -half a turn in n / 2 steps. @param {number} n */
function turns(n) {
  let table = tables.get(n);
  if (!table) {
    const angles = Array.from({ length: n / 2 }, (_, k) => (-2 * Math.PI * k) / n);
    table = { cos: Float32Array.from(angles, Math.cos), sin: Float32Array.from(angles, Math.sin) };
    tables.set(n, table);
  }
  return table;
}

/**
 * Levels in dB, `columns` x SIZE / 2, low frequencies first.
 * @param {Float32Array} samples
 * @param {number} columns
 */
export function levels(samples, columns) {
  const window = Float32Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / WINDOW));
  const found = new Float32Array((columns * SIZE) / 2);
  const re = new Float32Array(SIZE);
  const im = new Float32Array(SIZE);
  for (let column = 0; column < columns; column++) {
    const start = Math.round(((column + 0.5) * samples.length) / columns - WINDOW / 2);
    re.fill(0);
    im.fill(0);
    for (let i = 0; i < WINDOW; i++) {
      const at = start + i; // the pre-emphasis lifts the upper formants, as every phonetics program does
      if (at > 0 && at < samples.length) re[i] = (samples[at] - 0.97 * samples[at - 1]) * window[i];
    }
    transform(re, im);
    for (let k = 0; k < SIZE / 2; k++) {
      found[(column * SIZE) / 2 + k] = 10 * Math.log10(re[k] * re[k] + im[k] * im[k] + 1e-12);
    }
  }
  return found;
}

/**
 * Draw the whole recording over the whole canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} samples
 * @param {number[]} ink red, green and blue
 */
export function drawSpectrogram(canvas, samples, ink) {
  const columns = Math.max(1, Math.min(canvas.width, Math.ceil(samples.length / 32)));
  const rows = SIZE / 2;
  const found = levels(samples, columns);
  let loudest = -Infinity;
  for (const level of found) if (level > loudest) loudest = level;
  const image = new ImageData(columns, rows);
  for (let x = 0; x < columns; x++) {
    for (let y = 0; y < rows; y++) {
      const level = (found[x * rows + (rows - 1 - y)] - loudest + RANGE) / RANGE;
      const at = 4 * (y * columns + x);
      for (let k = 0; k < 3; k++) image.data[at + k] = ink[k];
      image.data[at + 3] = 255 * Math.min(Math.max(level, 0), 1) ** 1.4;
    }
  }
  const small = document.createElement("canvas");
  [small.width, small.height] = [columns, rows];
  small.getContext("2d")?.putImageData(image, 0, 0);
  const context = canvas.getContext("2d");
  context?.clearRect(0, 0, canvas.width, canvas.height);
  context?.drawImage(small, 0, 0, canvas.width, canvas.height);
}
