// What an application is told: user events, subscriptions, a filter.
'use strict';
const { scenario, check } = require('./lib/lab');

scenario(async (lab) => {
  const { ari, app } = lab;
  const channel = ari.Channel('subject');
  await channel.originate({ endpoint: lab.phone, app });
  await lab.started('subject');

  await ari.events.userEvent({ eventName: 'Ticket', application: app, source: 'channel:subject', variables: { number: '4711', urgent: 'yes' } });
  const ticket = await lab.seen('ChannelUserevent', (e) => e.eventname === 'Ticket');
  check(ticket.userevent.number === '4711' && ticket.channel.id === 'subject', `event is ${JSON.stringify(ticket.userevent)}`);
  await lab.refused(404, ari.events.userEvent({ eventName: 'Lost', application: 'nobody' }));

  const bridge = ari.Bridge('watched');
  await bridge.create({ type: 'mixing' });
  let state = await ari.applications.subscribe({ applicationName: app, eventSource: ['bridge:watched', 'deviceState:Stasis:lamp'] });
  check(state.bridge_ids.includes('watched') && state.device_names.includes('Stasis:lamp'), `subscribed to ${state.bridge_ids} ${state.device_names}`);
  await ari.deviceStates.update({ deviceName: 'Stasis:lamp', deviceState: 'INUSE' });
  const lamp = await lab.seen('DeviceStateChanged');
  check(lamp.device_state.state === 'INUSE', `the lamp is ${lamp.device_state.state}`);
  await ari.deviceStates.update({ deviceName: 'Stasis:lamp', deviceState: 'NOT_INUSE' });
  await lab.seen('DeviceStateChanged', (e) => e.device_state.state === 'NOT_INUSE');
  await lab.refused(422, ari.applications.subscribe({ applicationName: app, eventSource: 'channel:nobody' }));

  state = await ari.applications.filter({ applicationName: app, filter: { disallowed: [{ type: 'ChannelVarset' }] } });
  check(state.events_disallowed.length === 1, `not wanted: ${JSON.stringify(state.events_disallowed)}`);
  await channel.setChannelVar({ variable: 'QUIET', value: '1' });
  await lab.mark();
  check(!lab.events.some((e) => e.variable === 'QUIET'), 'a filtered event came');
  await ari.applications.filter({ applicationName: app, filter: {} });
  await channel.setChannelVar({ variable: 'LOUD', value: '1' });
  await lab.seen('ChannelVarset', (e) => e.variable === 'LOUD');

  await bridge.destroy();
  await lab.seen('BridgeDestroyed', (e) => e.bridge.id === 'watched');
  await ari.applications.unsubscribe({ applicationName: app, eventSource: 'deviceState:Stasis:lamp' });
  await ari.deviceStates.delete({ deviceName: 'Stasis:lamp' });
  await channel.hangup();
  await lab.destroyed('subject');
});
