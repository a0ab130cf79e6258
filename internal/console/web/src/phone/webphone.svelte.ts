// Whether this browser is a phone, and what its call is. The telephone itself (phone.ts) is
// loaded when it is switched on.
import { get } from "../lib/api";
import { words } from "../lib/toast.svelte";
import type { PhoneCall } from "./call";
import { devices } from "./devices.svelte";
import type { Phone, Settings } from "./phone";
import { Ringer } from "./ring";

type Status =
  | "off" // not wanted, or not yet
  | "starting"
  | "ready" // registered
  | "broken" // not registered, and why
  | "elsewhere"; // another tab of this browser is the phone

const wanted = "dialwright.phone.on";
const ownCalls = 20_000; // ms in which a call that this page has asked for must come

class Webphone {
  status = $state<Status>("off");
  /** Why it is not ready, in words. */
  why = $state("");
  settings = $state<Settings | undefined>(undefined);
  call = $state<PhoneCall | undefined>(undefined);
  #phone: Phone | undefined;
  #ringer = new Ringer();
  #expected = 0;
  #release: (() => void) | undefined;

  /** The phone's name if it is ready: calls may ring it first. */
  get ready(): string {
    return this.status === "ready" ? (this.settings?.phone ?? "") : "";
  }

  /** load finds out whether there is a phone for who is logged in, and goes on with it. */
  async load(): Promise<void> {
    this.settings = await get<Settings>("/v1/webphone").catch((e: unknown) => ({ enabled: false, why: words(e) }));
    if (this.settings.enabled && keep() === "yes") await this.on();
  }

  /** on makes this browser the phone: asks for the microphone, registers. */
  async on(): Promise<void> {
    if (!this.settings?.enabled || this.status === "starting" || this.status === "ready") return;
    if (!window.isSecureContext || !navigator.mediaDevices) {
      this.#broke("Browsers let pages use the microphone over HTTPS only (or on this machine itself). Open the console by https://, see docs/console.md.");
      return;
    }
    this.status = "starting";
    this.why = "";
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: devices.constraints() });
      for (const t of stream.getTracks()) t.stop(); // it is opened again for each call
      await devices.refresh();
    } catch (e) {
      this.#broke(e instanceof DOMException && e.name === "NotFoundError" ? "There is no microphone." : "The browser may not use the microphone. Allow it in the address bar, then switch the phone on again.");
      return;
    }
    if ("Notification" in window && Notification.permission === "default") void Notification.requestPermission();
    remember("yes");
    this.#lock();
  }

  /** off makes this browser no phone any more. */
  off(): void {
    remember("no");
    this.#stop();
    this.status = "off";
    this.why = "";
  }

  /** take makes this tab the phone in the place of another one. */
  take(): void {
    navigator.locks.request(`${wanted}.lock`, { steal: true }, () => this.#run()).catch(() => this.#taken());
  }

  /** expect says that this page has asked for a call that rings this phone: it is answered at once. */
  expect(): void {
    this.#expected = Date.now() + ownCalls;
  }

  dial(number: string): void {
    this.#phone?.dial(number);
  }
  answer(): void {
    this.#phone?.answer();
  }
  hangup(): void {
    this.#phone?.hangup();
  }
  hold(on: boolean): void {
    this.#phone?.hold(on);
  }
  mute(on: boolean): void {
    this.#phone?.mute(on);
  }
  press(digits: string): void {
    this.#phone?.press(digits);
  }
  /** devices takes another choice of devices into the call that there is. */
  useDevices(): void {
    this.#phone?.use().catch((e: unknown) => (this.why = words(e)));
  }
  /** clear forgets a call that has ended. */
  clear(): void {
    if (this.call?.state === "ended") this.call = undefined;
  }

  // One tab of a browser is the phone: each would ring, and the first one take the microphone.
  #lock(): void {
    const name = `${wanted}.lock`;
    const run = async (lock: Lock | null): Promise<void> => {
      if (lock !== null) return this.#run();
      this.status = "elsewhere";
      const later = () => (this.status === "elsewhere" ? this.#run() : undefined);
      navigator.locks.request(name, later).catch(() => this.#taken()); // when the other one is closed
    };
    navigator.locks.request(name, { ifAvailable: true }, run).catch(() => this.#taken());
  }

  // Another tab has taken the phone.
  #taken(): void {
    this.#stop();
    this.status = "elsewhere";
    this.why = "";
  }

  async #run(): Promise<void> {
    try {
      const { Phone } = await import("./phone");
      this.#phone = new Phone(this.settings as Settings, {
        registration: (ok, why) => {
          if (this.#phone === undefined) return;
          this.status = ok ? "ready" : why === "" ? "starting" : "broken";
          this.why = why;
        },
        changed: (call) => this.#changed(call),
        expected: () => {
          const own = Date.now() < this.#expected;
          this.#expected = 0;
          return own;
        },
      });
      this.status = "starting";
      this.#phone.start();
    } catch (e) {
      this.#broke(words(e));
      return;
    }
    const released = new Promise<void>((resolve) => (this.#release = resolve));
    addEventListener("pagehide", () => this.#stop(), { once: true });
    await released; // the lock is held until then
  }

  #changed(call: PhoneCall | undefined): void {
    const before = this.call?.state;
    this.call = call;
    if (call?.state === "ringing" && before !== "ringing") this.#ringer.start(call.name || call.number, () => undefined);
    if (call?.state !== "ringing") this.#ringer.stop();
    if (call?.state === "talking" && before !== "talking") void devices.refresh();
  }

  #stop(): void {
    this.#ringer.stop();
    this.#phone?.stop();
    this.#phone = undefined;
    this.call = undefined;
    this.#release?.();
    this.#release = undefined;
  }

  #broke(why: string): void {
    this.status = "broken";
    this.why = why;
  }
}

function keep(): string {
  try {
    return localStorage.getItem(wanted) ?? "";
  } catch {
    return "";
  }
}

function remember(value: string): void {
  try {
    localStorage.setItem(wanted, value);
  } catch {
    // private windows may forbid it: it must be switched on each time
  }
}

export const webphone = new Webphone();
