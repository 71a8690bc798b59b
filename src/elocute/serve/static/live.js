// @ts-check
/** How far the reading has come, while it is recorded. A help alone: without it, everything else works. */

const WORDS = /[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu;

/** Sends what is recorded to the service, which says which word was read last. */
export class Live {
  #ready = false;

  /**
   * @param {string} text
   * @param {number} rate
   * @param {(progress: { word: number, is_done: boolean }) => void} onprogress
   */
  constructor(text, rate, onprogress) {
    this.socket = new WebSocket(new URL("v1/stream", location.href.replace(/^http/, "ws")));
    const key = sessionStorage.getItem("elocute-key");
    this.socket.onopen = () => this.socket.send(JSON.stringify({ type: "start", text, rate, ...(key && { key }) }));
    this.socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "ready") this.#ready = true;
      if (message.type === "progress") onprogress(message);
    };
  }

  /** @param {Float32Array} piece */
  send(piece) {
    if (this.#ready && this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(Int16Array.from(piece, (sample) => 32767 * Math.min(Math.max(sample, -1), 1)));
    }
  }

  close() {
    this.socket.onmessage = null;
    this.socket.close();
  }
}

/**
 * The text in pieces: words and what is between them.
 * @param {string} text
 * @returns {{ text: string, isWord: boolean }[]}
 */
export function pieces(text) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(WORDS)) {
    if (match.index > at) found.push({ text: text.slice(at, match.index), isWord: false });
    found.push({ text: match[0], isWord: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) found.push({ text: text.slice(at), isWord: false });
  return found;
}
