/* The result (schema elocute/1) and what the renderer needs beside it; for the type checker alone. */
export type Score = number | null;
export interface Heard { phone: string; probability: number }
export interface Phone {
  phone: string; ipa: string; start: number; end: number; accuracy: Score; heard: Heard[];
  error?: number | null; verdict?: "ok" | "mispronounced";
}
export interface Edit {
  kind: "substitution" | "deletion" | "insertion"; position: number;
  expected: string | null; heard: string | null; probability: number;
}
export interface Word {
  text: string; start: number; end: number; accuracy: Score; stress: Score; total: Score;
  verdict: "ok" | "mispronounced" | "omitted"; pronunciation_source: string; phones: Phone[];
  confidence?: number | null; edits?: Edit[];
}
export interface Pause { start: number; end: number; after_word: number }
export interface Insertion extends Pause { kind: "filler" | "repetition" | "fragment" | "speech"; text: string }
export interface Feature { value: number | null; unit: string; percentile: number | null; effect: number | null }
export interface Suggestion {
  code: string; title: string; message: string; word: number | null; phone: number | null; feature: string | null;
}
export interface Result {
  schema: string; status: "ok" | "no_speech" | "off_script" | "incomplete";
  warnings: { code: string; message: string }[]; text: string; duration: number;
  scores: { accuracy: Score; completeness: Score; fluency: Score; prosody: Score; total: Score };
  words: Word[]; pauses: Pause[]; features: Record<string, Feature>;
  model: { name: string; version: string; sha256: string };
  insertions?: Insertion[]; suggestions?: Suggestion[];
  pitch?: { frame_shift: number; f0: (number | null)[] } | null;
}
/** What the names in a result mean. */
export interface Catalogue {
  features: Record<string, { label: string; key: number; family: string; formula: string; advice: string; words: [string, string] }>;
  sounds: Record<string, { ipa: string; example: string; how: string }>;
}
export interface Recording { samples: Float32Array; rate: number }
