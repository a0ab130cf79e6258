// What every scenario needs: a client that is connected, a transcript of all that it asked
// for and was told, a way to wait for events, and an end after at most a minute.
//
//   node SCENARIO.js BASE USER PASSWORD APP      BASE is http://host:port, without /ari
//
// PHONE names the endpoint of the first leg, "PJSIP/answer0@callee" if it is not set. The
// transcript goes to standard output when the scenario is over: first the operations in the
// order in which they were asked for, then the events in the order in which they came, a
// line of JSON each. Standard error has what happens meanwhile, for people. The exit status
// is 0 only if the scenario went as it is written.
'use strict';

const ari = require('ari-client');
const { normal } = require('./normal');

console.log = console.error; // the client warns there; standard output is the transcript's

const patience = 8000; // ms in which an event must come
const limit = 60000; // ms that a scenario may take

class Lab {
  constructor(client, app) {
    this.ari = client;
    this.app = app;
    this.phone = process.env.PHONE || 'PJSIP/answer0@callee';
    this.operations = [];
    this.events = [];
    this.waiting = new Set();
    this.taken = new Set(); // events that seen has given
    client.on('*', (event) => {
      this.events.push(event);
      note('event', event.type, (event.channel || event.peer || event.playback || {}).id, event.dialstatus || undefined);
      for (const look of this.waiting) look();
    });
    for (const [resource, api] of Object.entries(client._swagger.apis)) {
      for (const name of Object.keys(api.operations)) this.record(api, resource, name);
    }
  }

  // record puts an operation's answers into the transcript. The client calls it with its
  // parameters and a function for either end.
  record(api, resource, name) {
    const call = api[name];
    api[name] = (parameters, good, bad) => {
      const entry = { operation: `${resource}.${name}`, parameters: { ...parameters } };
      this.operations.push(entry);
      const answered = (then) => (response) => {
        entry.status = response.status;
        entry.answer = content(response);
        note('answer', entry.operation, entry.status);
        then(response);
      };
      return call.call(api, parameters, answered(good), answered(bad));
    };
  }

  // seen gives the first event of a type that matches and that it has not given before,
  // whether it has come already or not.
  seen(type, matches = () => true) {
    const find = () => this.events.find((e) => e.type === type && !this.taken.has(e) && matches(e));
    return new Promise((resolve, reject) => {
      const look = () => {
        const event = find();
        if (!event) return;
        this.taken.add(event);
        this.waiting.delete(look);
        clearTimeout(timer);
        resolve(event);
      };
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        reject(new Error(`no ${type} came that ${matches}; there were ${this.events.map((e) => e.type)}`));
      }, patience);
      this.waiting.add(look);
      look();
    });
  }

  // The usual ones, by the id of the channel, playback or recording.
  started(id) { return this.seen('StasisStart', (e) => e.channel.id === id); }
  ended(id) { return this.seen('StasisEnd', (e) => e.channel.id === id); }
  destroyed(id) { return this.seen('ChannelDestroyed', (e) => e.channel.id === id); }
  played(id) { return this.seen('PlaybackFinished', (e) => e.playback.id === id); }
  dial(id, status) { return this.seen('Dial', (e) => e.peer.id === id && e.dialstatus === status); }

  // refused returns when an operation was refused with a status, and fails if it was not.
  async refused(status, promise) {
    try {
      await promise;
    } catch (err) {
      const last = this.operations[this.operations.length - 1];
      if (last.status === status) return;
      throw new Error(`${last.operation}: ${last.status} ${err.message}, want ${status}`);
    }
    throw new Error(`an operation was carried out that must be refused with ${status}`);
  }

  // gone returns when an object cannot be had any more. Asterisk lets go of some only a moment
  // after it has told of their end: what it answers meanwhile is left out of the transcript.
  async gone(get) {
    for (const end = Date.now() + patience; ;) {
      const asked = this.operations.length;
      try {
        await get();
      } catch (err) {
        const { operation, status } = this.operations[asked];
        if (status === 404) return;
        throw new Error(`${operation}: ${status} ${err.message}, want 404`);
      }
      if (Date.now() > end) throw new Error(`${this.operations[asked].operation}: it is still there`);
      this.operations.length = asked;
      await pause(50);
    }
  }

  // mark sends an event to itself and waits for it: whatever was on its way has come then.
  async mark() {
    await this.ari.events.userEvent({ eventName: 'EndOfScenario', application: this.app });
    await this.seen('ChannelUserevent', (e) => e.eventname === 'EndOfScenario');
  }

  print() {
    const lines = [...this.operations.map((o) => normal(o)), ...this.events.map((e) => normal(e))];
    process.stdout.write(lines.map((l) => JSON.stringify(l) + '\n').join(''));
  }
}

// content is what an answer carried: JSON as it means, or that it is a file.
function content(response) {
  const data = response.data || (response.content && response.content.data);
  if (!data || data.length === 0) return undefined;
  const text = data.toString('utf-8');
  try {
    return JSON.parse(text);
  } catch {
    return 'a file';
  }
}

function note(...words) {
  process.stderr.write(words.filter((w) => w !== undefined).join(' ') + '\n');
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function check(good, text) {
  if (!good) throw new Error(text);
}

// scenario connects, runs, and ends the process.
async function scenario(run) {
  const [base, user, password, app] = process.argv.slice(2);
  let lab;
  const end = (err) => {
    if (lab) lab.print();
    if (err) console.error(err);
    process.exit(err ? 1 : 0);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
  setTimeout(() => end(new Error(`the scenario is not over after ${limit} ms`)), limit);
  const client = await ari.connect(base, user, password);
  client.on('error', end);
  client.on('APILoadError', end);
  client.on('WebSocketReconnecting', (err) => end(err || new Error('the WebSocket was closed')));
  lab = new Lab(client, app);
  await client.start(app);
  note('connected');
  await run(lab);
  await lab.mark();
  client.stop();
  end();
}

module.exports = { scenario, pause, check, note };
