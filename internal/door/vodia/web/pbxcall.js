// <pbxcall number="…"> with a button named "call" and, if it likes, one named "cancel" and
// something named "status", which tells errors and is made if it is not there. Clicks are
// listened for at the document, so that elements may come and go.

const LOGIN = "/rest/pbxlogin"; // of the page's own server
const MARK = Symbol.for("dialwright.pbxcall"); // on clicks that a copy of this script has seen
const CALL = '[name="call"]';
const CANCEL = '[name="cancel"]';
const STATUS = '[name="status"]';

const clicks = new WeakMap(); // the Click of an element
const displays = new WeakMap(); // display of a button that is hidden, as the page's style attribute had it
const focused = new WeakSet(); // elements whose button went while the keyboard was at it
const warned = new WeakSet(); // elements without a number

// attach makes the elements below root work: the document, or a closed shadow root, which
// the document cannot see into.
function attach(root, { login = LOGIN, server = "", tag = "pbxcall" } = {}) {
  root.addEventListener("click", (event) => clicked(event, { login, server, tag }), true);
  for (const element of root.querySelectorAll(tag)) numberOf(element);
}

function clicked(event, { login, server, tag }) {
  if (event[MARK]) return;
  const path = event.composedPath().filter((node) => node instanceof Element);
  const at = path.findIndex((node) => node.matches(CALL) || node.matches(CANCEL));
  const element = at < 0 ? undefined : path.slice(at).find((node) => node.localName === tag);
  if (!element) return;
  event[MARK] = true;
  event.preventDefault(); // a button in a form would send it
  const click = clicks.get(element);
  if (path[at].matches(CANCEL)) {
    click?.hangup();
    return;
  }
  const number = numberOf(element);
  if (!number || (click && !click.over)) return;
  say(element, "");
  clicks.set(element, lineTo(login, server).dial(number, "", (now) => {
    if (!now.over || clicks.get(element) === now) show(element, now); // an older call's reason comes late
  }));
}

function numberOf(element) {
  const number = element.getAttribute("number");
  if (!number && !warned.has(element)) {
    warned.add(element);
    console.warn("click-to-dial: the element has no number", element);
  }
  return number;
}

// show brings an element to where its call stands.
function show(element, click) {
  const { state, reason, message, detail, id, number } = click;
  const live = id !== "" && !click.over && state !== "ending";
  if (click.over) buttons(element, CANCEL, false);
  buttons(element, CALL, click.over);
  if (!click.over) buttons(element, CANCEL, live);
  element.dataset.state = click.lost && !click.over ? "reconnecting" : state;
  if (state === "error") {
    say(element, message);
    console.warn(`click-to-dial: ${message} (${reason}) ${detail}`);
  }
  element.dispatchEvent(new CustomEvent("pbxcall:state", {
    bubbles: true, composed: true, detail: { state: element.dataset.state, reason, message, id, number },
  }));
}

// buttons shows or hides those of an element. The keyboard stays where it was: who pressed
// one that goes is at the one that comes.
function buttons(element, selector, visible) {
  for (const button of element.querySelectorAll(selector)) {
    if (!visible) {
      if (button.style.display !== "none") displays.set(button, button.style.display);
      if (button.getRootNode().activeElement === button) focused.add(element);
      button.style.display = "none";
      continue;
    }
    if (button.hidden) button.hidden = false;
    if (button.style.display === "none") button.style.display = displays.get(button) ?? "";
    const nowhere = document.activeElement === document.body || element.contains(document.activeElement);
    if (focused.delete(element) && nowhere) button.focus();
  }
}

// say puts an error into words, "" takes it back. They are there for the eye and for screen
// readers, which watch what was there before the words: so it is made at the click.
function say(element, text) {
  let status = element.querySelector(STATUS);
  if (!status) {
    status = document.createElement("span");
    status.setAttribute("name", "status");
    element.append(" ", status);
  }
  if (!status.hasAttribute("role")) status.setAttribute("role", "status");
  if (status.textContent !== text) status.textContent = text;
}

// The classic script may say where it logs in: <script src="…" data-login="/crm/pbxlogin">.
const { login = LOGIN, server = "", tag = "pbxcall" } = document.currentScript?.dataset ?? {};
attach(document, { login, server, tag });
document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(tag).forEach(numberOf));
