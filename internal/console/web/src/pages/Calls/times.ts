// Times of a call to the thousandth: what happened after what.

/** clockTime gives "14:03:22.120", "" for none. */
export function clockTime(at: string | undefined): string {
  if (at === undefined || at === "") return "";
  const d = new Date(at);
  if (Number.isNaN(d.getTime())) return "";
  return d.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" });
}

/** milliseconds writes seconds as "12.5 ms". */
export function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(1)} ms`;
}

/** lost gives the share of packets that did not come: "0.4 %". */
export function lost(lostIn: number, packetsIn: number): string {
  const all = lostIn + packetsIn;
  return all === 0 ? "" : `${((lostIn * 100) / all).toFixed(1)} %`;
}
