// What becomes of second legs that are not answered: busy, declined, not found, given up.
'use strict';
const { scenario, check } = require('./lib/lab');

const ways = [
  { user: 'busy', cause: 17, status: 486 },
  { user: 'decline', cause: 21, status: 603 },
  { user: 'nobody', cause: 1, status: 404 },
  { user: 'unavail', cause: 19, status: 480 },
];

scenario(async (lab) => {
  const { ari, app } = lab;
  for (const { user, cause, status } of ways) {
    const channel = await ari.channels.create({ endpoint: `PJSIP/${user}@callee`, app, channelId: user });
    await lab.started(user);
    await channel.dial({ timeout: 10 });
    const end = await lab.destroyed(user);
    check(end.cause === cause && end.tech_cause === status, `${user}: cause ${end.cause}, SIP ${end.tech_cause}`);
  }
  const rings = await ari.channels.create({ endpoint: 'PJSIP/ring@callee', app, channelId: 'ring' });
  await lab.started('ring');
  await rings.dial({ timeout: 30 });
  await lab.dial('ring', 'RINGING');
  await rings.hangup({ reason: 'no_answer' });
  const end = await lab.destroyed('ring');
  check(end.cause === 19, `given up: cause ${end.cause}`);
});
