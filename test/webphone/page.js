"use strict";
// A phone with nothing around it. The test tells it what to do and asks what it hears.
const JsSIP = globalThis.bundled;
const phone = (globalThis.phone = { registered: false, state: "idle", keys: "", cause: "", held: false, closed: false });
let session = null;
let analyser = null;

// follow notes what becomes of a call.
function follow(s) {
  session = s;
  phone.state = s.direction === "incoming" ? "ringing" : "calling";
  phone.cause = "";
  phone.held = false;
  s.on("progress", () => { phone.state = phone.state === "calling" ? "progress" : phone.state; });
  s.on("confirmed", () => { phone.state = "up"; });
  s.on("ended", (e) => { phone.state = "ended"; phone.cause = e.cause; });
  s.on("failed", (e) => { phone.state = "ended"; phone.cause = e.cause; });
  s.on("newDTMF", (e) => { if (e.originator === "remote") phone.keys += e.dtmf.tone; });
  s.on("hold", (e) => { if (e.originator === "remote") phone.held = true; });
  s.on("unhold", (e) => { if (e.originator === "remote") phone.held = false; });
  if (s.connection) listen(s.connection);
  else s.on("peerconnection", (e) => listen(e.peerconnection));
}

// listen plays what comes, unheard, and analyses it: Chromium pulls nothing through the
// graph of a stream that no element plays.
function listen(connection) {
  connection.addEventListener("track", (e) => {
    const stream = e.streams[0];
    phone.streams = e.streams.length;
    const audio = new Audio();
    audio.muted = true;
    audio.srcObject = stream;
    audio.play();
    const context = new AudioContext();
    analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    context.createMediaStreamSource(stream).connect(analyser);
  });
}

// heard is the loudest tone in Hz, 0 in silence.
phone.heard = () => {
  if (!analyser) return 0;
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  let best = 0;
  bins.forEach((level, i) => { if (level > bins[best]) best = i; });
  return bins[best] > -60 ? (best * analyser.context.sampleRate) / analyser.fftSize : 0;
};

const media = {
  mediaConstraints: { audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false }, video: false },
  pcConfig: { iceServers: [] },
};

phone.start = (url, uri, password) => {
  const socket = new JsSIP.WebSocketInterface(url);
  // cut breaks the connection under JsSIP, which opens another.
  phone.cut = () => socket._ws.close();
  const o = { sockets: [socket], uri, session_timers: false, connection_recovery_min_interval: 1 };
  if (password) o.password = password;
  const ua = new JsSIP.UA(o);
  ua.on("registered", () => { phone.registered = true; });
  ua.on("registrationFailed", (e) => { phone.refused = e.cause; });
  ua.on("disconnected", () => { phone.closed = true; phone.registered = false; });
  ua.on("newRTCSession", (e) => follow(e.session));
  ua.start();
  phone.ua = ua;
};
phone.call = (to) => { phone.ua.call(to, media); };
phone.answer = () => session.answer(media);
// lost answers without a way for its media.
phone.lost = () => session.answer({ ...media, pcConfig: { iceServers: [], iceTransportPolicy: "relay" } });
phone.hang = () => session.terminate();
phone.hold = (on) => new Promise((done) => (on ? session.hold({}, done) : session.unhold({}, done)));
phone.mute = (on) => (on ? session.mute({ audio: true }) : session.unmute({ audio: true }));
phone.press = (key, by) => session.sendDTMF(key, { transportType: by });
phone.restart = () => new Promise((done) => session.renegotiate({ rtcOfferConstraints: { iceRestart: true } }, done));
phone.codec = async () => {
  const stats = [...(await session.connection.getStats()).values()];
  const inbound = stats.find((s) => s.type === "inbound-rtp" && s.kind === "audio");
  return inbound ? stats.find((s) => s.id === inbound.codecId)?.mimeType : "";
};
