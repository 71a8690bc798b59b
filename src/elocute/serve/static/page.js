// @ts-check
/** The page: choose a sentence, record it, see what to fix. */

import { change, forget, progress, remember } from "./attempts.js";
import { assess, catalogue, keysFrom, Refused, report } from "./client.js";
import { Live, pieces } from "./live.js";
import { Recorder } from "./recorder.js";
import { h } from "./report/dom.js";
import { BAND_NAMES, band, points } from "./report/reading.js";
import { renderResult } from "./report/result.js";
import { decode, peaks } from "./report/sound.js";
import { canSpeak, speak } from "./report/words.js";
import { SENTENCES } from "./sentences.js";
import WaveSurfer from "./vendor/wavesurfer.esm.js";

const MOST_SECONDS = 115;
const DONE = "That was the last word: press stop.";
const HINT = "Press, read aloud, press again.";

/** @param {string} id @returns {any} */
const $ = (id) => document.getElementById(id);

/** @type {Recorder | null} */
let recorder = null;
/** The recording at hand and the text it was made for. @type {{ audio: Blob, text: string } | null} */
let take = null;
/** @type {WaveSurfer | null} */
let surfer = null;
/** @type {Live | null} */
let live = null;
/** The result at hand. @type {import("./report/stage.js").Stage | null} */
let stage = null;
let heard = ""; // the address of the recording that it plays
let busy = false;

// --- the sentence ---------------------------------------------------------------------------------------

function setUpSentences() {
  for (const [group, sentences] of Object.entries(SENTENCES)) {
    $("sentence").append(h("optgroup", { label: group }, sentences.map((text) => h("option", { value: text }, text))));
  }
  const own = h("option", { value: "" }, "My own sentence");
  $("sentence").append(own);
  $("text").value = $("sentence").value;
  $("sentence").addEventListener("change", () => {
    $("text").value = $("sentence").value;
    if (!$("text").value) $("text").focus();
    showProgress();
  });
  $("text").addEventListener("input", () => {
    $("sentence").value = $("text").value;
    if ($("sentence").selectedIndex < 0) $("sentence").value = "";
    showProgress();
  });
  const offerVoice = () => ($("listen").hidden = !canSpeak());
  globalThis.speechSynthesis?.addEventListener?.("voiceschanged", offerVoice);
  offerVoice();
  $("listen").addEventListener("click", () => speak($("text").value));
}

// --- the recording --------------------------------------------------------------------------------------

async function toggle() {
  if (busy) return;
  if (!recorder) {
    complain("");
    if (!$("text").value.trim()) return complain("Choose or type a sentence first.");
    globalThis.speechSynthesis?.cancel?.();
    surfer?.pause();
    stage?.stop();
    busy = true;
    try {
      recorder = await Recorder.start((level, piece) => {
        live?.send(piece);
        showLevel(level);
      });
      live = new Live($("text").value, recorder.context.sampleRate, showWord);
      setRecording(true);
    } catch (error) {
      complain(refusal(error));
    }
    busy = false;
  } else {
    const ending = recorder;
    recorder = null;
    live?.close();
    live = null;
    setRecording(false);
    await evaluate(await ending.stop());
  }
}

/** @param {unknown} error */
function refusal(error) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError") return "The microphone is not allowed. Allow it in the browser's address bar, or choose a file.";
  if (name === "NotFoundError") return "There is no microphone. Connect one, or choose a file.";
  return error instanceof Error ? error.message : String(error);
}

/** @param {boolean} on */
function setRecording(on) {
  $("record").classList.toggle("on", on);
  $("record").setAttribute("aria-pressed", String(on));
  $("record-label").textContent = on ? "Stop" : "Record";
  $("hint").textContent = on ? "Read now." : HINT;
  $("hint").className = "hint";
  $("reading").hidden = !on;
  $("text").hidden = $("sentence").disabled = $("file").disabled = on;
  if (on) {
    $("reading").replaceChildren(...pieces($("text").value).map(({ text, isWord }) => (isWord ? h("span", {}, text) : text)));
  } else {
    showPeak(0);
  }
}

/** Mark what has been read. @param {{ word: number, is_done: boolean }} progress */
function showWord({ word, is_done }) {
  const words = [...$("reading").querySelectorAll("span")];
  words.forEach((span, index) => span.classList.toggle("read", is_done || index <= word));
  if (is_done && !$("hint").classList.contains("warn")) $("hint").textContent = DONE;
}

/** @param {import("./recorder.js").Level} level */
function showLevel({ peak, clipped, quiet, seconds }) {
  if (!recorder) return;
  showPeak(peak);
  $("record-label").textContent = `Stop · ${seconds.toFixed(0)} s`;
  const hint = clipped ? "Too loud: move away from the microphone, or lower its level."
    : quiet ? "Very quiet: move closer, or check the microphone."
    : $("hint").textContent === DONE ? DONE : "Read now.";
  if ($("hint").textContent !== hint) {
    $("hint").textContent = hint;
    $("hint").className = `hint ${clipped || quiet ? "warn" : ""}`;
  }
  if (seconds > MOST_SECONDS) toggle();
}

/** @param {number} peak */
function showPeak(peak) {
  const share = peak > 0 ? Math.max(0, Math.min(100, 100 + (20 * Math.log10(peak) * 100) / 50)) : 0; // 50 dB
  $("level").setAttribute("aria-valuenow", share.toFixed(0));
  $("level").firstElementChild.style.width = `${share}%`;
  $("level").classList.toggle("clipped", peak > 0.98);
}

function setUpFiles() {
  $("file").addEventListener("change", () => {
    const [file] = $("file").files;
    $("file").value = "";
    if (file) evaluate(file);
  });
  const area = $("drop");
  for (const name of ["dragover", "dragleave", "drop"]) {
    area.addEventListener(name, (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      area.classList.toggle("over", name === "dragover");
      const file = name === "drop" && event.dataTransfer?.files[0];
      if (file) evaluate(file);
    });
  }
}

// --- the result -----------------------------------------------------------------------------------------

/** @param {Blob} audio */
async function evaluate(audio) {
  const text = $("text").value.trim();
  if (busy || recorder) return;
  if (!text) return complain("Choose or type the sentence that was read first.");
  busy = true;
  take = { audio, text };
  complain("");
  $("outcome").hidden = $("intro").hidden = true;
  $("record").disabled = true;
  $("status").textContent = "Listening to the recording…";
  try {
    const sound = await decode(await audio.arrayBuffer()).catch(() => null); // the service may know more formats
    showTake(audio, sound);
    const [result, names] = await Promise.all([assess(audio, text), catalogue()]);
    remember(result);
    showResult(result, sound, names);
  } catch (error) {
    complain(error instanceof Refused ? error.message : `This page failed: ${error}`);
  } finally {
    $("status").textContent = "";
    $("record").disabled = busy = false;
    $("again").hidden = false;
  }
}

/** @param {Blob} audio @param {import("./report/types").Recording | null} sound */
function showTake(audio, sound) {
  surfer?.destroy();
  surfer = null;
  if (heard) URL.revokeObjectURL(heard);
  heard = URL.createObjectURL(audio);
  $("taken").hidden = !sound;
  $("again").hidden = $("save").hidden = true;
  if (!sound) return;
  const style = getComputedStyle(document.documentElement);
  surfer = WaveSurfer.create({
    container: $("wave"), height: 44, cursorWidth: 2, normalize: true, barWidth: 2, barGap: 1, barRadius: 1,
    waveColor: style.getPropertyValue("--quiet"), progressColor: style.getPropertyValue("--accent"),
    cursorColor: style.getPropertyValue("--accent"), url: heard,
    peaks: [peaks(sound.samples, 1000)], duration: sound.samples.length / sound.rate,
  });
  surfer.on("play", () => ($("replay").textContent = "■ Pause"));
  surfer.on("pause", () => ($("replay").textContent = "▶ Play"));
}

/**
 * @param {import("./report/types").Result} result
 * @param {import("./report/types").Recording | null} sound
 * @param {import("./report/types").Catalogue} names
 */
function showResult(result, sound, names) {
  const { total } = result.scores;
  $("outcome").hidden = false;
  $("outcome-title").textContent = result.text;
  $("change").textContent = total === null ? "" : change(result.text);
  stage = renderResult($("result"), result, { recording: sound, catalogue: names });
  $("save").hidden = false;
  showProgress();
  const first = result.suggestions?.[0]?.title;
  $("outcome-title").setAttribute("aria-label", total === null ? `No score for: ${result.text}`
    : `${points(total)} of 100, ${BAND_NAMES[band(total)]}, for: ${result.text}. ${first ?? ""}`);
  $("outcome-title").focus({ preventScroll: true });
  $("taken").scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

async function save() {
  if (!take || busy) return;
  busy = true;
  try {
    const url = URL.createObjectURL(await report(take.audio, take.text));
    h("a", { href: url, download: "pronunciation-report.html" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
  }
  busy = false;
}

function showProgress() {
  const parts = progress($("text").value);
  $("progress").hidden = !parts.length;
  $("attempts").replaceChildren(...parts);
}

/** @param {string} message */
function complain(message) {
  $("problem").hidden = !message;
  $("problem").textContent = message;
}

/** @returns {Promise<string | null>} */
function askKey() {
  return new Promise((resolve) => {
    $("key").returnValue = "";
    $("key").addEventListener("close", () => resolve($("key").returnValue === "use" ? $("key-text").value.trim() : null), { once: true });
    $("key").showModal();
  });
}

setUpSentences();
setUpFiles();
keysFrom(askKey);
$("practice").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
$("record").addEventListener("click", toggle);
$("replay").addEventListener("click", () => surfer?.playPause());
$("again").addEventListener("click", () => take && evaluate(take.audio));
$("save").addEventListener("click", save);
$("forget").addEventListener("click", () => {
  forget();
  showProgress();
});
showProgress();
document.documentElement.dataset.ready = "";
