// Microphones and loudspeakers, and which of them the user has chosen in this browser.

/** Device is one microphone or loudspeaker. */
export interface Device {
  id: string;
  label: string;
}

const inputKey = "dialwright.phone.input";
const outputKey = "dialwright.phone.output";
const ringKey = "dialwright.phone.ring";
const cleanKey = "dialwright.phone.clean";

class Devices {
  inputs = $state<Device[]>([]);
  outputs = $state<Device[]>([]);
  /** Chosen ones; "" = the system's. */
  input = $state(load(inputKey));
  output = $state(load(outputKey));
  /** Where it rings; "" = where calls are heard. */
  ring = $state(load(ringKey));
  /** Take echo and noise out of what is said: right for loudspeakers, not needed with a good headset. */
  clean = $state(load(cleanKey) !== "no");
  #watching = false;

  /** refresh reads what there is. Names are known only once the microphone was allowed. */
  async refresh(): Promise<void> {
    if (!this.#watching) {
      this.#watching = true;
      navigator.mediaDevices.addEventListener("devicechange", () => void this.refresh());
    }
    const all = await navigator.mediaDevices.enumerateDevices();
    const of = (kind: MediaDeviceKind, word: string) => all.filter((d) => d.kind === kind && d.deviceId !== "" && d.deviceId !== "default").map((d, i) => ({ id: d.deviceId, label: d.label || `${word} ${i + 1}` }));
    this.inputs = of("audioinput", "Microphone");
    this.outputs = of("audiooutput", "Loudspeaker");
  }

  choose(what: "input" | "output" | "ring", id: string): void {
    this[what] = id;
    save({ input: inputKey, output: outputKey, ring: ringKey }[what], id);
  }

  /** constraints ask for the chosen microphone, or any if it is not there any more. */
  constraints(): MediaTrackConstraints {
    const device = this.input !== "" && this.inputs.some((d) => d.id === this.input) ? { deviceId: { exact: this.input } } : {};
    return { ...device, echoCancellation: this.clean, noiseSuppression: this.clean, autoGainControl: this.clean };
  }

  setClean(on: boolean): void {
    this.clean = on;
    save(cleanKey, on ? "yes" : "no");
  }

  /** route sends an element's sound to a device, if the browser can. */
  async route(element: HTMLMediaElement, id: string): Promise<void> {
    if (!("setSinkId" in element)) return;
    try {
      await element.setSinkId(this.outputs.some((d) => d.id === id) ? id : "");
    } catch {
      // the device has just gone: the system's is used
    }
  }
}

function load(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function save(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // private windows may forbid it: the choice lasts as long as the page
  }
}

export const devices = new Devices();
