// Score a recording: node examples/assess.mjs hello.wav "Hello, how are you?"
// Needs Node 20 or newer and nothing else; fetch and FormData are the browser's, too.
// SERVICE: where the service is; API_KEY: a key, if it wants one.
import { openAsBlob } from "node:fs";

const { SERVICE = "http://127.0.0.1:8000", API_KEY } = process.env;
const [path, text] = process.argv.slice(2);

const form = new FormData();
form.append("audio", await openAsBlob(path), "recording");
form.append("text", text);

const answer = await fetch(`${SERVICE}/v1/assess`, {
  method: "POST",
  body: form,
  headers: API_KEY ? { "X-Api-Key": API_KEY } : {},
});
const told = await answer.json();
if (!answer.ok) {
  console.error(`${told.title}: ${told.detail} (${told.code})`);
  process.exit(1);
}
console.log(told.status, told.scores.total);
for (const word of told.words) {
  console.log(word.text, word.total, word.verdict);
}
