// The telephone itself: SIP over WebSocket and WebRTC by JsSIP. It is a chunk of its own that is
// loaded when the phone is switched on.
import * as JsSIP from "jssip";
import type { EndEvent, RTCSession } from "jssip/lib/RTCSession";
import type { UA } from "jssip/lib/UA";
import { newCall, reason, tones, type PhoneCall } from "./call";
import { devices } from "./devices.svelte";

/** Settings are what GET /v1/webphone says. */
export interface Settings {
  enabled: boolean;
  phone?: string;
  uri?: string;
  path?: string;
  display?: string;
  ice_servers?: RTCIceServer[];
  why?: string;
}

/** Owner is told what happens. */
export interface Owner {
  /** registered, or why not ("" = still trying). */
  registration(ok: boolean, why: string): void;
  /** The call as it is now; undefined = there is none. */
  changed(call: PhoneCall | undefined): void;
  /** Whether this page has asked for the call that comes in, so that it is answered at once. */
  expected(): boolean;
}

const gather = 2000; // ms that are waited for further candidates

/** Phone is a registered SIP phone with at most one call. */
export class Phone {
  #ua: UA;
  #owner: Owner;
  #settings: Settings;
  #session: RTCSession | undefined;
  #call: PhoneCall | undefined;
  #audio = new Audio();

  constructor(settings: Settings, owner: Owner) {
    this.#settings = settings;
    this.#owner = owner;
    this.#audio.autoplay = true;
    const address = new URL(settings.path ?? "/sip", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.#ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(address.href)],
      uri: settings.uri ?? "",
      display_name: settings.display,
      register: true,
      register_expires: 300,
      session_timers: true,
      connection_recovery_min_interval: 2,
      connection_recovery_max_interval: 15,
      user_agent: "Dialwright console",
    });
    this.#ua.on("registered", () => this.#owner.registration(true, ""));
    this.#ua.on("unregistered", () => this.#owner.registration(false, ""));
    this.#ua.on("registrationFailed", (e) => this.#owner.registration(false, `The server does not take this phone: ${e.response?.status_code ?? ""} ${e.response?.reason_phrase ?? e.cause ?? "no answer"}.`));
    this.#ua.on("disconnected", () => this.#owner.registration(false, "The connection to the server is lost. Trying again."));
    this.#ua.on("newRTCSession", ({ session, originator }: { session: RTCSession; originator: string }) => {
      if (originator === "remote") this.#incoming(session);
    });
  }

  start(): void {
    this.#ua.start();
  }

  /** stop hangs up, unregisters and ends. */
  stop(): void {
    this.#session?.terminate();
    this.#ua.stop();
  }

  /** dial calls a number; a call that there is must have ended. */
  dial(number: string): void {
    if (this.#session !== undefined) return;
    const host = (this.#settings.uri ?? "").replace(/^.*@/, "");
    const target = number.includes("@") ? `sip:${number}` : `sip:${encodeURIComponent(number.replace(/[\s()./-]/g, ""))}@${host}`;
    this.#call = newCall("out", number, "");
    this.#take(this.#ua.call(target, this.#media()));
    this.#tell();
  }

  answer(): void {
    if (this.#session && this.#call?.state === "ringing") this.#session.answer(this.#media());
  }

  /** hangup ends the call, or refuses it: busy, so that others may still ring. */
  hangup(): void {
    const s = this.#session;
    if (s === undefined) return;
    if (this.#call?.state === "ringing") s.terminate({ status_code: 486, reason_phrase: "Busy Here" });
    else s.terminate();
  }

  hold(on: boolean): void {
    if (this.#call?.state !== "talking") return;
    if (on) this.#session?.hold();
    else this.#session?.unhold();
  }

  mute(on: boolean): void {
    if (on) this.#session?.mute({ audio: true });
    else this.#session?.unmute({ audio: true });
  }

  /** press sends digits: in the audio stream where the other side takes them so, else by INFO. */
  press(text: string): void {
    const digits = tones(text);
    if (this.#session === undefined || this.#call?.state !== "talking" || digits === "") return;
    const sender = this.#session.connection.getSenders().find((s) => s.track?.kind === "audio");
    const inStream = sender?.dtmf?.canInsertDTMF === true;
    this.#session.sendDTMF(digits, { transportType: (inStream ? "RFC2833" : "INFO") as never, duration: 120, interToneGap: 80 });
    this.#call.digits += digits;
    this.#tell();
  }

  /** use takes the chosen devices into a call that there is. */
  async use(): Promise<void> {
    await devices.route(this.#audio, devices.output);
    const sender = this.#session?.connection?.getSenders().find((s) => s.track?.kind === "audio");
    if (!sender) return;
    const stream = await navigator.mediaDevices.getUserMedia({ audio: devices.constraints() });
    const track = stream.getAudioTracks()[0];
    if (!track) return;
    const old = sender.track;
    track.enabled = old?.enabled ?? true; // a muted call stays so
    await sender.replaceTrack(track);
    old?.stop();
  }

  #media() {
    return { mediaConstraints: { audio: devices.constraints(), video: false }, pcConfig: { iceServers: this.#settings.ice_servers ?? [] } };
  }

  #incoming(session: RTCSession): void {
    if (this.#session !== undefined) {
      session.terminate({ status_code: 486, reason_phrase: "Busy Here" });
      return;
    }
    const from = session.remote_identity;
    this.#call = newCall("in", from.uri.user ?? from.uri.host, from.display_name ?? "");
    this.#take(session);
    this.#tell();
    if (this.#owner.expected()) this.answer();
  }

  #take(session: RTCSession): void {
    this.#session = session;
    let patience: ReturnType<typeof setTimeout> | undefined;
    session.on("peerconnection", ({ peerconnection }) => this.#hear(peerconnection));
    if (session.connection) this.#hear(session.connection);
    session.on("icecandidate", ({ ready }) => {
      patience ??= setTimeout(ready, gather); // an interface that does not answer must not delay the call
    });
    session.on("sdp", () => clearTimeout(patience));
    session.on("accepted", () => this.#set({ state: "talking", answeredAt: Date.now() }));
    session.on("hold", ({ originator }) => this.#set(String(originator) === "local" ? { held: true } : { heldByOther: true }));
    session.on("unhold", ({ originator }) => this.#set(String(originator) === "local" ? { held: false } : { heldByOther: false }));
    session.on("muted", () => this.#set({ muted: true }));
    session.on("unmuted", () => this.#set({ muted: false }));
    const over = (e: EndEvent) => {
      clearTimeout(patience);
      const response = e.message as { status_code?: number; reason_phrase?: string } | null;
      this.#session = undefined;
      this.#audio.srcObject = null;
      this.#set({ state: "ended", reason: reason(e.cause, String(e.originator) === "local", response?.status_code, response?.reason_phrase) });
      this.#call = undefined;
    };
    session.on("ended", over);
    session.on("failed", over);
  }

  #hear(connection: RTCPeerConnection): void {
    connection.addEventListener("track", (e) => {
      this.#audio.srcObject = e.streams[0] ?? new MediaStream([e.track]);
      void devices.route(this.#audio, devices.output);
      void this.#audio.play().catch(() => undefined); // it plays as soon as the page was touched
    });
  }

  #set(change: Partial<PhoneCall>): void {
    if (this.#call === undefined) return;
    Object.assign(this.#call, change);
    this.#tell();
  }

  #tell(): void {
    this.#owner.changed(this.#call && { ...this.#call });
  }
}
