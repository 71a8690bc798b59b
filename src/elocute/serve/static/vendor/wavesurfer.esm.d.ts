/* What this page uses of wavesurfer.js; for the type checker alone. */
export interface Options {
  container: HTMLElement; url: string; peaks: Float32Array[]; duration: number; height?: number; normalize?: boolean;
  barWidth?: number; barGap?: number; barRadius?: number; cursorWidth?: number;
  waveColor?: string; progressColor?: string; cursorColor?: string;
}
export default class WaveSurfer {
  static create(options: Options): WaveSurfer;
  on(event: "play" | "pause", listener: () => void): () => void;
  playPause(): Promise<void>;
  pause(): void;
  destroy(): void;
}
