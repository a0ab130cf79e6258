// A call to the application: originate, talk, hang up.
'use strict';
const { scenario, check } = require('./lib/lab');

scenario(async (lab) => {
  const { ari, app } = lab;
  for (const resource of ['applications', 'asterisk', 'bridges', 'channels', 'deviceStates', 'endpoints', 'events', 'playbacks', 'recordings', 'sounds']) {
    check(ari[resource] && Object.keys(ari[resource]).length > 0, `the client has built nothing for ${resource}`);
  }
  const channel = ari.Channel('call-1');
  await channel.originate({ endpoint: lab.phone, app, appArgs: 'first,"a,b"', callerId: 'Alice <1001>', variables: { TICKET: '4711' } });
  const start = await lab.started('call-1');
  check(start.args.length === 2 && start.args[1] === 'a,b', `arguments are ${start.args}`);
  check(start.channel.state === 'Up', `state is ${start.channel.state}`);
  const ticket = await channel.getChannelVar({ variable: 'TICKET' });
  check(ticket.value === '4711', `TICKET is ${ticket.value}`);
  await channel.answer(); // it is answered: nothing happens
  await lab.refused(409, ari.channels.originate({ endpoint: lab.phone, app, channelId: 'call-1' }));
  const list = await ari.channels.list();
  check(list.length === 1 && list[0].id === 'call-1', `${list.length} channels`);
  await channel.hangup();
  await lab.destroyed('call-1');
  await lab.gone(() => channel.get());
});
