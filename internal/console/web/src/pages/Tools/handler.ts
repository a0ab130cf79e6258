// This console as the program for tel: and other links of numbers.

/** Schemes that a page may be registered for (WHATWG HTML §8.9.1), and that we understand. */
export const schemes = [
  { scheme: "tel", what: "tel: links, such as on web pages and in mails" },
  { scheme: "sip", what: "sip: links" },
  { scheme: "web+dialwright", what: "web+dialwright: links, for your own pages where tel: belongs to another program" },
];

/** handlerURL is the page that a link opens; the browser puts the whole link in place of %s. */
export function handlerURL(origin: string): string {
  return `${origin}/console/#/dial?number=%s`;
}

/** What the browser needs to be asked. */
interface Browser {
  isSecureContext: boolean;
  registerProtocolHandler?: (scheme: string, url: string) => void;
}

/** register asks the browser. The text says what to do next; it throws an Error in words if that is not possible. */
export function register(b: Browser, scheme: string, origin: string): string {
  if (!b.isSecureContext) throw new Error("Browsers allow this to pages over HTTPS and on this machine only. Open the console by https://, or use the bookmarklet.");
  if (b.registerProtocolHandler === undefined) throw new Error("This browser cannot open links by a web page (Safari and browsers of phones cannot). Use the bookmarklet, or a program of the system.");
  try {
    b.registerProtocolHandler(scheme, handlerURL(origin));
  } catch (e) {
    const name = e instanceof DOMException ? e.name : "";
    if (name === "SecurityError") throw new Error(`This browser does not let pages open ${scheme}: links, or not this one: private windows and policies forbid it.`);
    throw new Error(`The browser refuses: ${e instanceof Error ? e.message : String(e)}`);
  }
  return `The browser may ask now whether this console may open ${scheme}: links: allow it. If it does not ask, look for a sign with two diamonds in its address line, or it has been allowed already.`;
}
