// @ts-check
/** The microphone as a 16-bit WAV file, with its level while it is recorded. */

const CLIPPED = 0.99;
const MOST_CLIPPED = 5; // samples at full scale that may be chance

/**
 * @typedef {object} Level
 * @property {number} peak 0 to 1, of the last moment
 * @property {boolean} clipped whether samples so far were cut off at full scale
 * @property {boolean} quiet whether all of it so far is very quiet
 * @property {number} seconds how long it records already
 */

export class Recorder {
  /** @type {Float32Array[]} */
  #pieces = [];
  #loudest = 0;
  #clipped = 0;
  #samples = 0;

  /**
   * @param {AudioContext} context
   * @param {MediaStream} stream
   * @param {AudioWorkletNode} node
   * @param {(level: Level, piece: Float32Array) => void} onlevel
   */
  constructor(context, stream, node, onlevel) {
    this.context = context;
    this.stream = stream;
    this.node = node;
    this.ended = new Promise((resolve) => {
      node.port.onmessage = ({ data }) => (data === null ? resolve(null) : this.#take(data, onlevel));
    });
  }

  /**
   * Ask for the microphone and record from now on.
   * @param {(level: Level, piece: Float32Array) => void} onlevel called with every piece
   */
  static async start(onlevel) {
    if (!navigator.mediaDevices) throw new Error("Browsers record only on https or localhost. Choose a file instead.");
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    const context = new AudioContext();
    await context.audioWorklet.addModule("capture.js");
    const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    const recorder = new Recorder(context, stream, node, onlevel);
    context.createMediaStreamSource(stream).connect(node);
    await context.resume();
    return recorder;
  }

  /** End, and give the recording. @returns {Promise<Blob>} */
  async stop() {
    this.node.port.postMessage("end");
    await this.ended;
    for (const track of this.stream.getTracks()) track.stop();
    const rate = this.context.sampleRate;
    await this.context.close();
    return wav(this.#pieces, rate);
  }

  /** @param {Float32Array} piece @param {(level: Level, piece: Float32Array) => void} onlevel */
  #take(piece, onlevel) {
    this.#pieces.push(piece);
    this.#samples += piece.length;
    const peak = piece.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    this.#loudest = Math.max(this.#loudest, peak);
    this.#clipped += piece.filter((sample) => Math.abs(sample) >= CLIPPED).length;
    const seconds = this.#samples / this.context.sampleRate;
    onlevel({ peak, clipped: this.#clipped > MOST_CLIPPED, quiet: seconds > 1.5 && this.#loudest < 0.03, seconds }, piece);
  }
}

/**
 * A mono 16-bit PCM WAV file.
 * @param {Float32Array[]} pieces
 * @param {number} rate
 */
export function wav(pieces, rate) {
  const count = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * count));
  /** @param {number} at @param {string} text */
  const label = (at, text) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  label(0, "RIFF");
  view.setUint32(4, 36 + 2 * count, true);
  label(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  label(36, "data");
  view.setUint32(40, 2 * count, true);
  let at = 44;
  for (const piece of pieces) {
    for (const sample of piece) {
      view.setInt16(at, Math.round(32767 * Math.min(Math.max(sample, -1), 1)), true);
      at += 2;
    }
  }
  return new Blob([view.buffer], { type: "audio/wav" });
}
