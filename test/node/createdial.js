// Create, bridge, dial: the second leg is there before its first packet. It gets variables
// and a caller, both legs are bridged, then it is dialled: the first leg hears what the far
// end plays before it answers, and talks to it afterwards.
'use strict';
const { scenario, check, pause } = require('./lib/lab');

scenario(async (lab) => {
  const { ari, app } = lab;
  const agent = ari.Channel('agent');
  await agent.originate({ endpoint: lab.phone, app, callerId: 'Agent <1001>' });
  await lab.started('agent');

  const customer = await ari.channels.create({ endpoint: 'PJSIP/early@callee', app, appArgs: 'dialed', channelId: 'customer', originator: 'agent', variables: { CAMPAIGN: 'spring' } });
  check(customer.state === 'Down', `a created channel is ${customer.state}`);
  await lab.started('customer');
  await customer.setChannelVar({ variable: 'CALLERID(num)', value: '5550100' });
  await customer.setChannelVar({ variable: 'CDR(userfield)', value: 'ticket' });
  await lab.refused(412, customer.play({ media: 'sound:beep' })); // it makes no sense yet

  const bridge = ari.Bridge('talk');
  await bridge.create({ type: 'mixing', name: 'talk' });
  await bridge.addChannel({ channel: 'agent' });
  await lab.seen('ChannelEnteredBridge', (e) => e.channel.id === 'agent');
  await bridge.addChannel({ channel: 'customer' });
  await lab.seen('ChannelEnteredBridge', (e) => e.channel.id === 'customer');

  await customer.dial({ caller: 'agent', timeout: 10 });
  await lab.dial('customer', 'PROGRESS'); // from here the agent hears it
  await lab.dial('customer', 'ANSWER');
  await lab.refused(409, customer.dial());
  const up = await customer.get();
  check(up.state === 'Up', `an answered channel is ${up.state}`);
  const campaign = await customer.getChannelVar({ variable: 'CAMPAIGN' });
  check(campaign.value === 'spring', `CAMPAIGN is ${campaign.value}`);
  const both = await bridge.get();
  check(both.channels.length === 2, `in the bridge are ${both.channels}`);
  await pause(300);

  await agent.hangup();
  await lab.destroyed('agent');
  await customer.hangup();
  await lab.destroyed('customer');
  await bridge.destroy();
});
