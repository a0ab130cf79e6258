// What the page shows of the call of the browser's phone, apart from how it is made.

/** PhoneCall is the one call of the phone. */
export interface PhoneCall {
  direction: "in" | "out";
  /** Number or user of the other party. */
  number: string;
  /** Its name, "" if it showed none. */
  name: string;
  /** ringing: it asks to be answered; calling: the other party is rung; talking; ended. */
  state: "ringing" | "calling" | "talking" | "ended";
  /** Milliseconds since 1970 of the answer; 0 before it. */
  answeredAt: number;
  /** We hold the other party. */
  held: boolean;
  /** The other party holds us. */
  heldByOther: boolean;
  muted: boolean;
  /** Digits that were pressed. */
  digits: string;
  /** Why it ended, in words. */
  reason: string;
}

/** newCall gives a call that has just begun. */
export function newCall(direction: "in" | "out", number: string, name: string): PhoneCall {
  return { direction, number, name, state: direction === "in" ? "ringing" : "calling", answeredAt: 0, held: false, heldByOther: false, muted: false, digits: "", reason: "" };
}

// JsSIP's words for why a session ended (JsSIP: Constants.js causes), and ours.
const reasons: Record<string, string> = {
  "Terminated": "The call is over.",
  "Canceled": "The caller gave up, or somebody else answered.",
  "Busy": "Busy.",
  "Rejected": "The call was refused.",
  "Unavailable": "Nobody answered, or the phone is not registered.",
  "Not Found": "There is no such number here.",
  "Redirected": "The call was sent elsewhere.",
  "Address Incomplete": "The number is not complete.",
  "Incompatible SDP": "The other side speaks no codec of this browser.",
  "Missing SDP": "The other side sent no description of its audio.",
  "Authentication Error": "The server did not take this phone's login. Log in to the console again.",
  "Connection Error": "The connection to the server is lost.",
  "Request Timeout": "The server did not answer.",
  "SIP Failure Code": "The call failed.",
  "No Answer": "Nobody answered.",
  "Expires": "Nobody answered.",
  "User Denied Media Access": "The browser may not use the microphone. Allow it in the address bar and try again.",
  "WebRTC Error": "The browser could not set up the audio.",
  "Bad Media Description": "The audio of this call cannot be set up.",
  "RTP Timeout": "No audio came any more.",
  "Dialog Error": "The call was lost.",
  "No ACK": "The call was lost.",
  "Internal Error": "The call failed in this browser.",
};

/**
 * reason says why a call ended. cause is JsSIP's; phrase and status are those of the SIP
 * response, if there was one.
 */
export function reason(cause: string, byUs: boolean, status = 0, phrase = ""): string {
  if (byUs && (cause === "Terminated" || cause === "Canceled")) return "You have hung up.";
  if (byUs && cause === "Rejected") return "You have refused the call.";
  const words = reasons[cause] ?? `The call failed: ${cause}.`;
  return status >= 300 ? `${words} (${status} ${phrase})` : words;
}

/** tones gives the digits of a text that can be sent as DTMF; "," is a pause. */
export function tones(text: string): string {
  return text.toUpperCase().replace(/[^0-9A-D*#,]/g, "");
}
