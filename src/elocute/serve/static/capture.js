// @ts-check
/** Runs on the audio thread: hands on what the microphone gives, in pieces of about 1/20 s. */

const PIECE = 2048;

class Capture extends AudioWorkletProcessor {
  #piece = new Float32Array(PIECE);
  #filled = 0;

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    const input = channels[0];
    if (!input) return true;
    for (const sample of input) {
      this.#piece[this.#filled++] = sample;
      if (this.#filled === PIECE) {
        this.port.postMessage(this.#piece);
        this.#filled = 0;
      }
    }
    return true;
  }

  constructor() {
    super();
    this.port.onmessage = () => {
      this.port.postMessage(this.#piece.slice(0, this.#filled)); // the rest, then the end
      this.port.postMessage(null);
    };
  }
}

registerProcessor("capture", Capture);
