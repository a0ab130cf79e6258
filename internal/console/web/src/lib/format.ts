// Times, durations and words as people read them. Nothing here makes HTML: texts are put into
// the page as texts.

/** time gives a clock time, with the date if it is not today: "14:03:22", "28 Nov 14:03:22". */
export function time(at: string | Date | undefined, now = new Date()): string {
  if (at === undefined || at === "") return "";
  const d = new Date(at);
  if (Number.isNaN(d.getTime())) return "";
  const clock = d.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  if (d.toDateString() === now.toDateString()) return clock;
  const day = d.toLocaleDateString(undefined, { day: "numeric", month: "short", ...(d.getFullYear() === now.getFullYear() ? {} : { year: "numeric" }) });
  return `${day} ${clock}`;
}

/** minutes gives a clock time without seconds: "14:03". */
export function minutes(at: Date): string {
  return at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** duration gives seconds as a clock: 0:07, 12:40, 1:02:03. Negative ones are 0:00. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const h = Math.floor(s / 3600);
  const m = Math.floor(s / 60) % 60;
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** between gives the seconds from one time to another (now if there is none); undefined without a begin. */
export function between(from: string | undefined, to?: string, now = Date.now()): number | undefined {
  if (from === undefined || from === "") return undefined;
  const end = to === undefined || to === "" ? now : Date.parse(to);
  return (end - Date.parse(from)) / 1000;
}

/** count gives a number with separators: 100,000. */
export function count(n: number): string {
  return n.toLocaleString();
}

/** plural gives "1 call", "12 calls". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** bytes gives "3.4 MB". */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  if (n < 1_000_000) return `${(n / 1000).toFixed(1)} kB`;
  return `${(n / 1_000_000).toFixed(1)} MB`;
}

/** number makes a link's or a paste's number dialable as typed: "tel:+49%2030-123;ext=5" is "+49 30-123". */
export function number(text: string): string {
  let t = text.trim();
  const scheme = /^(?:web\+)?(?:tel|callto|sip|sips):(?:\/\/)?/i.exec(t);
  if (scheme !== null) {
    t = t.slice(scheme[0].length).replace(/[;?].*$/, "");
    try {
      t = decodeURIComponent(t);
    } catch {
      // a stray % stays as it is: the server says what it thinks of it
    }
  }
  return t.trim();
}
