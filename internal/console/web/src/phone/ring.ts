// Ringing: a sound, and a notification when the page is not looked at.
import { devices } from "./devices.svelte";

/** Ringer makes a phone ring until it is stopped. */
export class Ringer {
  #context: AudioContext | undefined;
  #element: HTMLAudioElement | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #note: Notification | undefined;

  /** start rings. shown is who calls; onclick is done when the notification is clicked. */
  start(shown: string, onclick: () => void): void {
    this.stop();
    this.#sound();
    if (document.visibilityState === "hidden" && "Notification" in window && Notification.permission === "granted") {
      try {
        this.#note = new Notification(`${shown} calls`, { body: "Click to see the call.", tag: "dialwright-call", requireInteraction: true });
        this.#note.onclick = () => {
          window.focus();
          onclick();
        };
      } catch {
        // phones allow notifications of service workers only: the sound must do
      }
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#note?.close();
    this.#note = undefined;
    this.#element?.pause();
    this.#element = undefined;
    void this.#context?.close();
    this.#context = undefined;
  }

  // Two seconds of two tones, four of silence, as ringing sounds in many countries.
  #sound(): void {
    const context = new AudioContext();
    this.#context = context;
    const out = context.createMediaStreamDestination();
    const element = new Audio();
    element.srcObject = out.stream;
    this.#element = element;
    void devices.route(element, devices.ring || devices.output).then(() => element.play().catch(() => undefined)); // forbidden before the first click on the page
    const burst = () => {
      const gain = context.createGain();
      gain.connect(out);
      const from = context.currentTime;
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(0.15, from + 0.05);
      gain.gain.setValueAtTime(0.15, from + 1.9);
      gain.gain.linearRampToValueAtTime(0, from + 2);
      for (const hz of [440, 480]) {
        const tone = context.createOscillator();
        tone.frequency.value = hz;
        tone.connect(gain);
        tone.start(from);
        tone.stop(from + 2);
      }
    };
    burst();
    this.#timer = setInterval(burst, 6000);
  }
}
