// A wrong secret, the right one, a connection that is kept alive, and the way out.
'use strict';
const { Desk, scenario, check, pause } = require('./lib/desk');

scenario(async (desk) => {
  const stranger = new Desk(desk.kind, { ...desk.server, secret: 'guessed' });
  const begun = Date.now();
  if (desk.kind === 'asterisk-manager') {
    await stranger.open();
    await stranger.until(() => stranger.packets.some((p) => p.get('Message') === 'Authentication failed' && p.get('Response') === 'Error'), 'the refusal');
    await stranger.until(() => stranger.closed, 'the end of the connection');
    desk.lines.push(...stranger.lines);
  } else {
    const err = await stranger.open().then(() => undefined, (e) => e);
    check(err && err.message === 'AMI message: Authentication failed', `the login of a stranger: ${err}`);
  }
  check(Date.now() - begun >= 900, 'a stranger may guess without a pause');

  await desk.open({ options: { keepAlive: true, keepAliveDelay: 200, reconnect: false } });
  if (desk.kind === 'asterisk-manager') {
    for (let i = 0; i < 3; i++) { // it does not ask by itself
      check((await desk.ask('Ping')).get('Ping') === 'Pong', 'no Pong');
      await pause(100);
    }
  } else {
    await desk.until(() => desk.pongs >= 3, 'three answers to the client\'s own Ping');
  }
  const same = new Desk(desk.kind, desk.server); // two of one user
  await same.open();
  check((await same.ask('Ping')).get('Ping') === 'Pong', 'no Pong for the second');
  check((await same.ask('Logoff')).get('Response') === 'Goodbye', 'no Goodbye');
  await same.until(() => same.closed, 'the end of the connection');
}, { open: false });
