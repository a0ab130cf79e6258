// Texts that make numbers of other programs and pages clickable. They hold no secret: where a key
// or a token is needed, a placeholder stands.

/** What the user has filled in, and where this server is. */
export interface Inputs {
  /** https://pbx.example, without a slash at the end. */
  origin: string;
  number: string;
  /** Whose phone rings: a phone or a user. */
  user: string;
  /** Label of dialproxy. */
  label: string;
  /** Text of the link; "" = the number. */
  text: string;
}

/** Snippet is one text to copy. */
export interface Snippet {
  id: string;
  title: string;
  /** "" = it cannot be made of what is filled in; missing says why. */
  code: string;
  missing: string;
  /** What must be there for it to work. */
  needs: string;
  /** Door of the server that must be on, as GET /v1/doors names it; "" = none. */
  door: string;
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** escape writes a text for HTML, also within quotes. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => entities[c] ?? c);
}

/** quote writes a text as one word of a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** telURI gives the tel: link of a number (RFC 3966 §3), "" if it has other characters than such a link may have. */
export function telURI(number: string): string {
  const bare = number.replace(/[\s()./-]/g, "");
  if (!/^\+?[0-9*#]+$/.test(bare)) return "";
  return `tel:${bare.replaceAll("#", "%23")}`;
}

/** consoleLink gives the address of our own page with a number in it; it dials nobody by itself. */
export function consoleLink(origin: string, number: string): string {
  return `${origin}/console/#/dial?number=${encodeURIComponent(number)}`;
}

/** snippets makes all of them. */
export function snippets(i: Inputs): Snippet[] {
  const text = i.text.trim() || i.number;
  const number = i.number.trim();
  const no = number === "" ? "Fill in a number." : "";
  const noUser = no || (i.user.trim() === "" ? "Fill in whose phone rings." : "");
  const tel = telURI(number);
  const make = (id: string, title: string, missing: string, code: () => string, needs: string, door = ""): Snippet => ({ id, title, missing, code: missing === "" ? code() : "", needs, door });
  const anchor = (href: string): string => `<a href="${escape(href)}">${escape(text)}</a>`;
  return [
    make("tel", "tel: link", no || (tel === "" ? "A tel: link takes digits, * and # only." : ""), () => anchor(tel), "A program or page that opens tel: links where it is clicked: this console does, once it is registered above."),
    make("console", "Link to this console", no, () => anchor(consoleLink(i.origin, number)), "Who clicks must be able to log in here. The number is filled in, and nothing is dialled until they press Call."),
    make(
      "dialproxy",
      "dialproxy page",
      no || (i.label.trim() === "" ? "Fill in a label of dialproxy." : ""),
      () => anchor(`${i.origin}/dialproxy/tel?ext=${encodeURIComponent(i.label.trim())}&num=${encodeURIComponent(number)}`),
      "A label, and its token or an allowed address. The page asks before it dials.",
      "dialproxy",
    ),
    make(
      "vodia",
      "Vodia link",
      noUser,
      () => anchor(`${i.origin}/remote_call.htm?user=${encodeURIComponent(i.user.trim())}&dest=${encodeURIComponent(number)}`),
      "A user with a web password: the browser asks for it. HTTPS.",
      "vodia",
    ),
    make(
      "button",
      "Button for your web pages",
      no,
      () => `<script src="${escape(`${i.origin}/js/dialwright-call.js`)}" defer></script>\n<dialwright-call number="${escape(number)}"${i.text.trim() === "" ? "" : ` name="${escape(text)}"`}></dialwright-call>`,
      "Your site says who is logged in there (/rest/pbxlogin), and its origin is in vodia.allowed_origins. See docs/clients/click-to-dial.md.",
      "vodia",
    ),
    make(
      "pbxcall",
      "<pbxcall>, as Vodia has it",
      no,
      () =>
        `<script src="${escape(`${i.origin}/js/callback.js`)}" defer></script>\n<pbxcall number="${escape(number)}">${escape(text)}\n  <button name="call">Call</button><button name="cancel" style="display:none">Cancel</button>\n</pbxcall>`,
      "The same as the button before. Pages that were made for Vodia keep their markup.",
      "vodia",
    ),
    make(
      "curl",
      "From a program",
      noUser,
      () =>
        `curl -s ${quote(`${i.origin}/v1/calls`)} \\\n  -H 'Authorization: Bearer YOUR_KEY' -H 'Content-Type: application/json' \\\n  -d ${quote(JSON.stringify({ first: i.user.trim(), second: number }))}`,
      "A key with the scope calls:write, from Links and keys, in place of YOUR_KEY. Keep it out of web pages: whoever has it can call.",
    ),
  ];
}
