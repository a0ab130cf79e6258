// What every scenario of AMI needs: one of two clients that is logged in, a transcript of
// all that it asked for and was told, a way to wait for events, and an end after at most a
// minute.
//
//   node SCENARIO.js CLIENT HOST PORT USER SECRET      CLIENT is asterisk-manager or asterisk-ami-client
//
// The transcript goes to standard output when the scenario is over, in the order in which
// things happened: a line of JSON for each packet, {"sent": [[key, value], …]} or {"got": …},
// as the client has made it out. Standard error has what happens meanwhile, for people. The
// exit status is 0 only if the scenario went as it is written.
'use strict';

const patience = 8000; // ms in which an event must come
const limit = 60000; // ms that a scenario may take

console.log = console.error; // a client warns there; standard output is the transcript's

// Packet is what a client made of a packet: an object, whose values are lists if a header
// came more than once. One client puts variables into objects, and all names in small letters.
class Packet {
  constructor(object) {
    this.headers = [];
    for (const [key, value] of Object.entries(object)) {
      for (const v of Array.isArray(value) ? value : [value]) {
        if (v !== null && typeof v === 'object') {
          for (const [name, text] of Object.entries(v)) this.headers.push([key, text === '' ? name : `${name}=${text}`]);
        } else {
          this.headers.push([key, v === null ? '' : String(v)]);
        }
      }
    }
  }

  get(name) {
    const header = this.headers.find(([key]) => key.toLowerCase() === name.toLowerCase());
    return header ? header[1] : '';
  }

  all(name) {
    return this.headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }
}

// openManager is npm asterisk-manager. It holds back what is asked before it is logged in,
// and sends its headers in the order of their names. It never says that a login failed:
// that is seen among the packets.
function openManager({ host, port, user, secret }, got, closed) {
  const client = require('asterisk-manager')(port, host, user, secret, true);
  client.on('rawevent', (packet) => got(new Packet(packet)));
  client.on('close', closed);
  return {
    ask: (action, id, headers) => new Promise((resolve) => {
      client.action({ action, ...headers, actionid: id }, (err, answer) => resolve(new Packet(err || answer)));
    }),
    close: () => client.disconnect(),
  };
}

// openClient is npm asterisk-ami-client. What comes in one piece with the answer to its login
// it loses, so that nobody can count on FullyBooted. It forgets all but the last of several
// headers of one name.
async function openClient({ host, port, user, secret, options }, got, closed, data) {
  const Client = require('asterisk-ami-client');
  const client = new Client(options);
  client.on('event', (event) => { if (event.Event !== 'FullyBooted') got(new Packet(event)); });
  client.on('response', (answer) => got(new Packet(answer)));
  client.on('disconnect', closed);
  client.on('data', data);
  await client.connect(user, secret, { host, port });
  return {
    ask: async (action, id, headers) => new Packet(await client.action({ Action: action, ...headers, ActionID: id }, true)),
    close: () => client.disconnect(),
    client,
  };
}

class Desk {
  constructor(kind, server) {
    this.kind = kind;
    this.server = server;
    this.lines = [];
    this.packets = [];
    this.taken = new Set(); // packets that seen has given
    this.waiting = new Set();
    this.asked = 0;
    this.closed = false;
    this.pongs = 0; // answers to the client's own Ping
  }

  // open logs in.
  async open(more = {}) {
    const got = (p) => {
      const headers = p.headers.map(([k, v]) => [k, k.toLowerCase() === 'actionid' && /\d{13}/.test(v) ? 'by the clock' : v]);
      this.lines.push({ got: headers });
      this.packets.push(p);
      note(p.get('Event') || 'answer', p.get('Response'), p.get('Message'), p.get('Channel'), p.get('DestChannel'), p.get('DialStatus'));
      for (const look of this.waiting) look();
    };
    const closed = () => {
      this.closed = true;
      for (const look of this.waiting) look();
    };
    const data = (chunk) => {
      if (String(chunk).includes('Ping: Pong')) this.pongs++;
      for (const look of this.waiting) look();
    };
    const open = this.kind === 'asterisk-manager' ? openManager : openClient;
    this.link = await open({ ...this.server, ...more }, got, closed, data);
  }

  // ask sends an action and gives its answer.
  async ask(action, headers = {}) {
    const id = headers.ActionID || `${action.toLowerCase()}-${++this.asked}`;
    delete headers.ActionID;
    this.lines.push({ sent: [['Action', action], ['ActionID', id]] });
    note('>', action, id);
    const answer = await this.link.ask(action, id, headers);
    answer.id = id;
    return answer;
  }

  // want is ask for an action that must be answered so.
  async want(response, message, action, headers) {
    const answer = await this.ask(action, headers);
    check(answer.get('Response') === response && (message === undefined || answer.get('Message') === message),
      `${action}: ${answer.get('Response')} ${answer.get('Message')}, want ${response} ${message}`);
    return answer;
  }

  // list asks for a list and gives its items.
  async list(action, headers) {
    const answer = await this.ask(action, headers);
    check(answer.get('EventList') === 'start', `${action} is not answered with a list: ${JSON.stringify(answer.headers)}`);
    const mine = () => this.packets.filter((p) => p.get('Event') && p.get('ActionID') === answer.id);
    await this.until(() => mine().some((p) => p.get('EventList') === 'Complete'), `the end of the list of ${action}`);
    const all = mine();
    const last = all.pop();
    check(last.get('ListItems') === String(all.length), `${action}: ${all.length} items, said to be ${last.get('ListItems')}`);
    return all;
  }

  // until returns when something holds that depends on packets.
  until(holds, what) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const value = holds();
        if (!value) return;
        this.waiting.delete(look);
        clearTimeout(timer);
        resolve(value);
      };
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        reject(new Error(`${what} did not come; there were ${this.packets.map((p) => p.get('Event') || p.get('Response'))}`));
      }, patience);
      this.waiting.add(look);
      look();
    });
  }

  // seen gives the first event of a name whose headers have these values and that it has not
  // given before, whether it has come already or not.
  async seen(event, values = {}) {
    const fits = (p) => p.get('Event') === event && !this.taken.has(p) && Object.entries(values).every(([k, v]) => p.get(k) === String(v));
    const found = await this.until(() => this.packets.find(fits), `${event} ${JSON.stringify(values)}`);
    this.taken.add(found);
    return found;
  }

  // none fails if such an event has come.
  none(event, values = {}) {
    const found = this.packets.find((p) => p.get('Event') === event && Object.entries(values).every(([k, v]) => p.get(k) === String(v)));
    check(!found, `${event} ${JSON.stringify(values)} came`);
  }

  // hangUp hangs a channel up by its name and waits for its end.
  async hangUp(channel, more = {}) {
    await this.want('Success', 'Channel Hungup', 'Hangup', { Channel: channel, ...more });
    return this.seen('Hangup', { Channel: channel });
  }

  // mark sends an event to itself and waits for it, and a moment for what Asterisk tells
  // beside it: whatever was on its way has come then.
  async mark() {
    await this.want('Success', 'Event Sent', 'UserEvent', { UserEvent: 'EndOfScenario' });
    await this.seen('UserEvent', { UserEvent: 'EndOfScenario' });
    await pause(300);
  }

  print() {
    process.stdout.write(this.lines.map((l) => JSON.stringify(l) + '\n').join(''));
  }
}

function note(...words) {
  process.stderr.write(words.filter(Boolean).join(' ') + '\n');
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function check(good, text) {
  if (!good) throw new Error(text);
}

// scenario logs in, unless the scenario does that itself, runs, and ends the process.
async function scenario(run, { open = true } = {}) {
  const [kind, host, port, user, secret] = process.argv.slice(2);
  const desk = new Desk(kind, { host, port: Number(port), user, secret });
  const end = (err) => {
    desk.print();
    if (err) console.error(err);
    process.exit(err ? 1 : 0);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
  setTimeout(() => end(new Error(`the scenario is not over after ${limit} ms`)), limit);
  if (open) await desk.open();
  await run(desk);
  await desk.mark();
  desk.link.close();
  end();
}

module.exports = { Desk, scenario, pause, check, note };
