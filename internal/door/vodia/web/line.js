// The line between a web page and the telephone of who looks at it. It is the first part of
// callback.js, callback.mjs and dialwright-call.js, which see its names as their own: see
// web.go. Nothing here touches the page.
//
//   click ─► GET /rest/pbxlogin (the page's own server) ─► POST /rest/system/session
//         ─► WebSocket ─► get-calls, make-call … call-state, call-state … clear-call
//
// A Line is one such WebSocket. It is open while somebody waits for a call, and a little
// longer. A Click is what became of one click: the line tells it where its call stands.

const KEEPALIVE = 30_000; // milliseconds between keep-alive frames
const PATIENCE = 10_000; // for an answer to a request, and for a socket to open
const UNSEEN = 15_000; // until a call must have appeared that was asked for
const LINGER = 10_000; // how long a line is kept that nobody waits on
const RETRIES = [500, 1000, 2000, 4000, 8000, 8000]; // before each attempt to open a line again

// What is said to people, by the reason of an event.
const ERRORS = {
  "not-logged-in": "You are not logged in.",
  "no-user": "You have no phone on this telephone system.",
  "no-glue": "This site cannot log you in at the telephone system.",
  "login-refused": "The telephone system did not accept the login. Please try again.",
  "not-allowed": "You are not allowed to make this call.",
  "bad-number": "This number cannot be called.",
  "no-phone": "No phone of yours is connected.",
  "too-many": "Too many calls. Please wait a little.",
  "not-ready": "The telephone system cannot make calls right now.",
  "refused": "The telephone system refused the call.",
  "no-answer-from-server": "The telephone system does not say what became of the call.",
  "unreachable": "The telephone system cannot be reached from this page.",
  "connection-lost": "The connection to the telephone system is lost.",
  "logged-out": "You have been logged out.",
};
const BY_CODE = { 400: "bad-number", 401: "not-logged-in", 403: "not-allowed", 409: "no-phone", 429: "too-many", 503: "not-ready" };

// Failure is why there is no line, or no call. Its message is for people; detail is for
// the console.
class Failure extends Error {
  constructor(reason, detail = "") {
    super(ERRORS[reason]);
    this.reason = reason;
    this.detail = detail;
  }
}

// Click is one click and its call. States, as the server names them and four of ours:
// connecting, dialing, alerting, ringback, connected, holding, onhold, ending, then ended
// or error. tell(click) is called at each change.
class Click {
  id = ""; // of the call, once the server has shown it
  state = "connecting";
  reached = ""; // the last state before ending, ended and error
  reason = ""; // why it has ended or failed; "" = unknown
  message = ""; // in words what has gone wrong, "" = nothing has
  detail = ""; // the same for the console
  since = 0; // when both sides began to talk, in milliseconds; 0 = not yet
  lost = false; // the line is being opened again
  sent = false; // the server has been asked for the call
  early = false; // the call was there in the first list: it may be an older one
  timer = 0;

  constructor(line, number, name, tell) {
    Object.assign(this, { line, number, name, tell });
  }

  get over() {
    return this.state === "ended" || this.state === "error";
  }

  // become changes the state and says so.
  become(state, more = {}) {
    if (this.over && state !== this.state) return;
    Object.assign(this, { state, message: "" }, more);
    if (this.over) clearTimeout(this.timer);
    else if (state !== "ending") this.reached = state;
    this.tell(this);
  }

  fail(failure) {
    this.become("error", { reason: failure.reason, message: failure.message, detail: failure.detail });
  }

  // hangup ends the call, or what has come of it so far.
  hangup() {
    if (this.over || this.state === "ending") return;
    if (!this.sent) this.line.forget(this);
    else this.become("ending");
    this.line.end(this);
  }

  // hold puts the other side on hold, or takes it back: the server has one word for both.
  hold() {
    if (this.id && (this.state === "connected" || this.state === "holding")) this.line.send({ action: "hold-call", id: this.id });
  }
}

class Line {
  clicks = new Set(); // those whose calls are not over
  past = new Map(); // those over of which the reason may still come, by the call's id
  queue = []; // frames for when the socket is open
  socket = null; // the socket that is open
  opening = false;
  inQuery = false; // cookies do not reach the server: a token in the query does
  known = null; // ids in the newest list, null = there has been none on this socket
  fresh = true; // the next list is the first one
  keepalive = 0;
  idle = 0;

  constructor(login, server) {
    Object.assign(this, { login, server });
  }

  // dial asks for a call. What becomes of it is told to tell.
  dial(number, name, tell) {
    const click = new Click(this, number, name, tell);
    this.clicks.add(click);
    clearTimeout(this.idle);
    tell(click);
    this.queue.push({ action: "get-calls" }, { make: click });
    if (this.socket) this.flush();
    else this.open();
    return click;
  }

  // forget drops a click whose call has not been asked for.
  forget(click) {
    this.queue = this.queue.filter((frame) => frame.make !== click);
    this.finish(click, () => click.become("ended", { reason: "cancelled" }));
  }

  // release is for who no longer wants to be told. The call goes on, unless it was to end
  // as soon as it is there.
  release(click) {
    click.tell = () => {};
    if (click.over) return;
    if (!click.sent) this.forget(click);
    else if (click.state !== "ending") this.finish(click, () => clearTimeout(click.timer));
  }

  end(click) {
    if (click.id) this.send({ action: "clear-call", id: click.id });
  }

  send(frame) {
    this.queue.push(frame);
    this.flush();
  }

  // flush sends what waits, if the socket is open.
  flush() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    for (const frame of this.queue.splice(0)) {
      const click = frame.make;
      if (!click) {
        this.socket.send(JSON.stringify(frame));
        continue;
      }
      click.before = this.fresh ? null : this.known;
      click.sent = true;
      const call = { action: "make-call", to: click.number };
      if (click.name) call.name = click.name;
      this.socket.send(JSON.stringify(call));
      click.timer = setTimeout(() => this.waited(click), UNSEEN);
      click.become("dialing");
    }
  }

  // waited is called when the call of a click must have appeared.
  waited(click) {
    click.early = false;
    if (!click.id) this.finish(click, () => click.fail(new Failure("no-answer-from-server")));
  }

  // finish ends a click by how, and lets the line go when nobody is left.
  finish(click, how) {
    if (this.clicks.delete(click) && click.id) {
      this.past.set(click.id, click);
      if (this.past.size > 20) this.past.delete(this.past.keys().next().value);
    }
    how();
    if (this.clicks.size > 0) return;
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.close(), LINGER);
  }

  close() {
    const socket = this.socket;
    this.socket = null;
    clearInterval(this.keepalive);
    socket?.close(1000);
  }

  failAll(failure) {
    this.queue = [];
    for (const click of [...this.clicks]) this.finish(click, () => click.fail(failure));
  }

  // open logs in and opens the socket. After a socket that was open has gone, it tries
  // more than once.
  async open(again = false) {
    if (this.opening) return;
    this.opening = true;
    const delays = again ? RETRIES : [0];
    let failure;
    for (const delay of delays) {
      if (delay) await new Promise((resolve) => setTimeout(resolve, delay));
      if (this.clicks.size === 0) break;
      try {
        const socket = await this.connect();
        this.opening = false;
        this.opened(socket);
        return;
      } catch (err) {
        failure = err instanceof Failure ? err : new Failure("unreachable", String(err));
        if (failure.reason === "not-logged-in") break;
      }
    }
    this.opening = false;
    if (failure) this.failAll(again && failure.reason === "unreachable" ? new Failure("connection-lost", failure.detail) : failure);
  }

  // connect gives an open socket. The session is a cookie first, as the vendor's script has
  // it. Browsers that keep no cookies of other sites do not send it: then a fresh token is
  // in the query.
  async connect() {
    let info = await logIn(this.login);
    const server = this.server || info.server;
    if (typeof server !== "string" || !/^[a-z0-9.:[\]_-]+$/i.test(server)) throw new Failure("no-glue", "the login names no server");
    if (!this.inQuery) {
      await exchange(server, info.session);
      try {
        return await openSocket(server, info, "");
      } catch {
        info = await logIn(this.login);
      }
    }
    const socket = await openSocket(server, info, info.session);
    this.inQuery = true;
    return socket;
  }

  opened(socket) {
    if (this.clicks.size === 0) { // who waited has gone
      socket.close(1000);
      return;
    }
    this.socket = socket;
    this.fresh = true;
    this.known = null;
    socket.addEventListener("message", (event) => this.received(event.data));
    socket.addEventListener("close", (event) => this.closed(socket, event));
    this.keepalive = setInterval(() => socket.send(JSON.stringify({ action: "wskeepalive" })), KEEPALIVE);
    for (const click of this.clicks) {
      if (!click.lost) continue;
      click.lost = false;
      click.tell(click);
    }
    if (this.queue[0]?.action !== "get-calls") this.queue.unshift({ action: "get-calls" });
    this.flush();
  }

  closed(socket, event) {
    if (this.socket !== socket) return;
    this.socket = null;
    clearInterval(this.keepalive);
    if (this.clicks.size === 0) return;
    if (event.code === 1008) {
      this.failAll(new Failure("logged-out", event.reason));
      return;
    }
    for (const click of this.clicks) {
      click.lost = true;
      click.tell(click);
    }
    this.open(true);
  }

  received(text) {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame?.action === "call-state" && Array.isArray(frame.calls)) this.listed(frame.calls);
    else if (frame?.action === "call-ended") this.explained(frame);
    else if (frame?.action === "error") this.refused(frame);
  }

  // listed finds the clicks' calls in a complete list of the user's calls. A call that is
  // new is the click's that has none yet and its number; one that was there in the first
  // list is taken too, until a newer one appears.
  listed(calls) {
    const rest = new Map(calls.map((call) => [String(call.id), call]));
    const first = this.fresh;
    const ended = [];
    for (const click of this.clicks) {
      if (!click.id) continue;
      const newer = click.early && this.known && [...rest.values()].findLast((call) => call["to-number"] === click.number && !this.known.has(String(call.id)));
      if (newer) Object.assign(click, { id: String(newer.id), early: false });
      click.call = rest.get(click.id);
      rest.delete(click.id);
      if (!click.call) ended.push(click);
    }
    for (const click of this.clicks) {
      if (click.id || !click.sent) continue;
      const call = [...rest.values()].findLast((call) => call["to-number"] === click.number && !click.before?.has(String(call.id)));
      if (!call) continue;
      Object.assign(click, { id: String(call.id), call, early: first });
      rest.delete(click.id);
      if (click.state === "ending") this.end(click);
    }
    this.known = new Set(calls.map((call) => String(call.id)));
    this.fresh = false;
    for (const click of ended) this.finish(click, () => click.become("ended", { reason: click.reason }));
    for (const click of this.clicks) if (click.id) follow(click);
  }

  // explained is told why a call has ended, before the list without it or after.
  explained(frame) {
    const id = String(frame.id);
    const past = this.past.get(id);
    if (past) {
      this.past.delete(id);
      if (past.state === "ended") past.become("ended", { reason: String(frame.reason || past.reason) });
      return;
    }
    for (const click of this.clicks) {
      if (click.id !== id && (click.id || !click.sent || frame["to-number"] !== click.number)) continue;
      click.reason = String(frame.reason || "");
      if (!click.id) this.finish(click, () => click.become("ended")); // it was over before it was listed
      return;
    }
  }

  // refused is told that the server does not do what it was asked for. Calls are asked for
  // in order, so the oldest that has not appeared is meant.
  refused(frame) {
    const reason = BY_CODE[frame.code] || "refused";
    const detail = `${frame.request || "frame"}: ${frame.code} ${frame.message || ""}`.trim();
    for (const click of this.clicks) {
      if (frame.request === "make-call" && click.sent && !click.id) {
        this.finish(click, () => click.fail(new Failure(reason, detail)));
        return;
      }
      if (frame.request === "clear-call" && click.state === "ending" && frame.code !== 404) {
        click.state = "";
        follow(click, "The call cannot be ended from here.");
        return;
      }
      if (frame.request === "hold-call" && (click.state === "connected" || click.state === "holding")) follow(click, "The call cannot be put on hold.");
    }
    console.warn("click-to-dial:", detail);
  }
}

// follow tells a click the state of its call, and what has not worked.
function follow(click, message = "") {
  const call = click.call;
  const state = click.state === "ending" ? "ending" : String(call?.state || call?.callstate || "dialing");
  const since = state === "alerting" || state === "ringback" ? 0 : click.since || (call?.connect ? Date.now() : 0);
  if (state !== click.state || since !== click.since || message) click.become(state, { since, message });
}

// logIn asks the page's own server for a token of the telephone system.
async function logIn(path) {
  let response;
  try {
    response = await fetch(path, { credentials: "include", cache: "no-store", headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE) });
  } catch (err) {
    throw new Failure("unreachable", `${path}: ${err.message}`);
  }
  if (response.status === 401) throw new Failure("not-logged-in", `${path}: 401`);
  if (response.status === 403) throw new Failure("not-allowed", `${path}: 403`);
  let info;
  try {
    info = await response.json();
  } catch {
    throw new Failure("no-glue", `${path}: ${response.status} without JSON`);
  }
  if (!response.ok || typeof info !== "object" || info === null) throw new Failure("no-glue", `${path}: ${response.status}`);
  if (typeof info.session !== "string" || !info.session || !info.user) throw new Failure("no-user", `${path} has no session`);
  return info;
}

// exchange turns a token into a session, which the server keeps in a cookie. The body is
// sent as text, so that the browser does not ask for leave first.
async function exchange(server, token) {
  const url = `${scheme("http", server)}//${server}/rest/system/session`;
  let response, answer;
  try {
    response = await fetch(url, {
      method: "POST", credentials: "include", body: JSON.stringify({ name: "session", value: token }), signal: AbortSignal.timeout(PATIENCE),
    });
    answer = response.ok && (await response.json());
  } catch (err) {
    throw new Failure("unreachable", `${url}: ${err.message}; is this site in the server's allowed_origins?`);
  }
  if (answer === false || !response.ok) throw new Failure(response.status === 429 ? "too-many" : response.status === 403 ? "not-allowed" : "login-refused", `${url}: ${response.status} ${answer}`);
}

function openSocket(server, info, token) {
  const query = new URLSearchParams({ domain: info.domain || "", user: info.user });
  if (!info.domain) query.delete("domain");
  if (token) query.set("session", token);
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${scheme("ws", server)}//${server}/websocket?${query}`);
    const timer = setTimeout(() => socket.close(), PATIENCE);
    socket.addEventListener("open", () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.addEventListener("close", () => {
      clearTimeout(timer);
      reject(new Failure("unreachable", `the WebSocket of ${server} was refused`));
    });
  });
}

// scheme is the encrypted one, but for a page over plain HTTP whose server is the page's
// own or on this machine.
function scheme(name, server) {
  const near = server === location.host || /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i.test(server);
  return name + (location.protocol === "http:" && near ? ":" : "s:");
}

// lineTo gives the page's line for a login path and a server, "" = the one that the login
// names.
const lines = new Map();
function lineTo(login, server = "") {
  const key = `${login}\n${server}`;
  if (!lines.has(key)) lines.set(key, new Line(login, server));
  return lines.get(key);
}
