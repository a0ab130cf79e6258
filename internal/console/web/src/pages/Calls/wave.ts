// The loudness of a recording over its time, for drawing.

/** peaks gives the loudest sample (0 to 1) of each of n equal parts, of all channels. */
export function peaks(channels: Float32Array[], n: number): number[] {
  const out = new Array<number>(n).fill(0);
  for (const samples of channels) {
    for (let i = 0; i < n; i++) {
      const from = Math.floor((i * samples.length) / n);
      const to = Math.max(Math.min(from + 1, samples.length), Math.floor(((i + 1) * samples.length) / n));
      let high = out[i] ?? 0;
      for (let k = from; k < to; k++) high = Math.max(high, Math.abs(samples[k] ?? 0));
      out[i] = Math.min(1, high);
    }
  }
  return out;
}

const rate = 8000; // Hz; telephones have no more, and it keeps an hour below 120 MB

/** decode reads audio; the error says that the browser cannot. */
export async function decode(data: ArrayBuffer): Promise<Float32Array[]> {
  const audio = await new OfflineAudioContext(1, 1, rate).decodeAudioData(data);
  return Array.from({ length: audio.numberOfChannels }, (_, i) => audio.getChannelData(i));
}
