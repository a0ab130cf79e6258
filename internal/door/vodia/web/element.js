// <dialwright-call number="…">: a button that calls, and tells in words what becomes of it.

const NAME = "dialwright-call";

// What is said of each state of a call; who is its name or number.
const STATES = {
  connecting: () => "Calling your phone …",
  dialing: () => "Calling your phone …",
  alerting: () => "Answer your phone.",
  ringback: (who) => `Ringing ${who} …`,
  connected: () => "Connected",
  holding: () => "On hold",
  onhold: () => "The other side holds you.",
  ending: () => "Hanging up …",
};

// What is said of the reasons for which a call has ended.
const ENDS = {
  busy: "Ended: busy.",
  "no-answer": "Ended: nobody answered.",
  rejected: "Ended: the call was refused.",
  unallocated: "Ended: there is no such number.",
  congestion: "Ended: the network is busy.",
  "not-confirmed": "Ended: you have not pressed 1.",
  expired: "Ended: no line was free.",
  interrupted: "Ended by the telephone system.",
  failed: "Ended: the call has failed.",
  completed: "Ended.",
  cancelled: "Ended.",
};

// The same where the user's own phone was not answered.
const OWN_ENDS = {
  busy: "Ended: your phone is busy, or has refused the call.",
  rejected: "Ended: your phone has refused the call.",
  "no-answer": "Ended: you have not answered your phone.",
};

const STYLE = `
:host { display: inline-block; font: inherit }
:host([hidden]) { display: none }
[part=base] { display: inline-flex; flex-wrap: wrap; align-items: center; gap: .5em }
button { font: inherit; padding: .25em .75em; border: 1px solid currentColor; border-radius: .4em; background: transparent; color: inherit; cursor: pointer }
button:focus-visible { outline: 2px solid currentColor; outline-offset: 2px }
[part=call] { color: light-dark(#14733b, #5fd38d) }
[part=hangup] { color: light-dark(#b3261e, #ff8a80) }
[part=time] { font-variant-numeric: tabular-nums }
[part=status][data-error] { color: light-dark(#b3261e, #ff8a80) }
[hidden] { display: none }
`;

class DialwrightCall extends HTMLElement {
  static observedAttributes = ["number", "name", "label", "hold"];

  #click = null;
  #clock = 0;
  #keyboard = false; // it was at a button that has gone
  #parts = {};

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    const sheet = new CSSStyleSheet(); // not <style>: pages may forbid it
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const base = document.createElement("span");
    const make = (tag, part, attributes = {}) => {
      const e = (this.#parts[part] = document.createElement(tag));
      e.part = part;
      for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
      base.append(e);
      return e;
    };
    base.part = "base";
    make("button", "call", { type: "button" }).addEventListener("click", () => this.call());
    make("button", "hold", { type: "button" }).addEventListener("click", () => this.#click?.hold());
    make("button", "hangup", { type: "button" }).addEventListener("click", () => this.hangup());
    make("span", "status", { role: "status", "aria-live": "polite" });
    make("span", "time", { role: "timer", "aria-live": "off" });
    root.append(base);
  }

  // state is that of the newest call; "" before the first one.
  get state() {
    return this.#click?.state ?? "";
  }

  // call does what the button does.
  call() {
    const number = this.getAttribute("number");
    if (!number) {
      console.warn("click-to-dial: the element has no number", this);
      return;
    }
    if (this.#click && !this.#click.over) return;
    const line = lineTo(this.getAttribute("login") || "/rest/pbxlogin", this.getAttribute("server") || "");
    line.dial(number, this.getAttribute("name") || "", (click) => this.#told(click));
  }

  hangup() {
    this.#click?.hangup();
  }

  connectedCallback() {
    this.#render();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#render();
  }

  // disconnectedCallback lets go of the call, which goes on: a page that draws itself anew
  // hangs up nobody. An element that is only moved keeps it.
  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected || !this.#click) return;
      this.#click.line.release(this.#click);
      this.#click = null;
      this.#render();
    });
  }

  #told(click) {
    if (click.over && click !== this.#click) return; // an older call's reason comes late
    this.#click = click;
    this.#render();
    if (click.state === "error") console.warn(`click-to-dial: ${click.message} (${click.reason}) ${click.detail}`);
    this.dispatchEvent(new CustomEvent("pbxcall:state", {
      bubbles: true, composed: true,
      detail: { state: click.lost && !click.over ? "reconnecting" : click.state, reason: click.reason, message: click.message, id: click.id, number: click.number },
    }));
  }

  #render() {
    const click = this.#click;
    const live = click !== null && !click.over;
    const who = this.getAttribute("name") || this.getAttribute("number") || "";
    const { call, hold, hangup, status } = this.#parts;
    const focused = this.shadowRoot.activeElement;
    call.textContent = this.getAttribute("label") || "Call";
    call.setAttribute("aria-label", `${call.textContent} ${who}`.trim());
    call.disabled = !this.getAttribute("number");
    hangup.textContent = "Hang up";
    hold.textContent = click?.state === "holding" ? "Resume" : "Hold";
    call.hidden = live;
    hangup.hidden = !live || click.state === "ending";
    hold.hidden = !live || !this.hasAttribute("hold") || !["connected", "holding"].includes(click.state);
    const text = this.#text(click, who);
    if (status.textContent !== text) status.textContent = text; // else it would be read out again
    status.toggleAttribute("data-error", click?.state === "error");
    this.dataset.state = click ? click.state : "";
    if (focused?.hidden) this.#keyboard = true;
    const next = live ? hangup : call;
    if (this.#keyboard && !next.hidden) {
      this.#keyboard = false;
      if (document.activeElement === document.body || document.activeElement === this) next.focus();
    }
    this.#tick(live && click.since > 0);
  }

  #text(click, who) {
    if (!click) return "";
    if (click.message) return click.message;
    const own = click.reached === "dialing" || click.reached === "alerting";
    if (click.state === "ended" && own && OWN_ENDS[click.reason]) return OWN_ENDS[click.reason];
    if (click.state === "ended") return ENDS[click.reason] ?? (click.reason ? `Ended: ${click.reason.replaceAll("_", " ")}.` : "Ended.");
    if (click.lost) return "The connection is lost. Trying again …";
    return (STATES[click.state] ?? (() => click.state))(who);
  }

  // #tick shows how long both have talked.
  #tick(on) {
    const time = this.#parts.time;
    time.hidden = !on;
    if (!on) {
      clearInterval(this.#clock);
      this.#clock = 0;
      return;
    }
    const seconds = Math.floor((Date.now() - this.#click.since) / 1000);
    time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.#clock ||= setInterval(() => this.#tick(true), 1000);
  }
}

if (!customElements.get(NAME)) customElements.define(NAME, DialwrightCall);
