// Bridges: one that mixes, one in which callers wait with music; members come and go.
'use strict';
const { scenario, check } = require('./lib/lab');

const members = (bridge, ...want) => {
  check(bridge.channels.length === want.length && want.every((id) => bridge.channels.includes(id)), `members are ${bridge.channels}, want ${want}`);
};

scenario(async (lab) => {
  const { ari, app } = lab;
  const entered = (bridge, id) => lab.seen('ChannelEnteredBridge', (e) => e.bridge.id === bridge && e.channel.id === id);
  const left = (bridge, id) => lab.seen('ChannelLeftBridge', (e) => e.bridge.id === bridge && e.channel.id === id);
  const ids = ['one', 'two', 'three'];
  for (const id of ids) {
    await ari.channels.originate({ endpoint: lab.phone, app, channelId: id });
    await lab.started(id);
  }
  const room = ari.Bridge('room');
  const queue = ari.Bridge('queue');
  await room.create({ type: 'mixing', name: 'meeting' });
  await queue.create({ type: 'holding' });
  await lab.refused(409, ari.bridges.createWithId({ bridgeId: 'room', type: 'mixing' }));

  await queue.addChannel({ channel: 'three' });
  await entered('queue', 'three');
  await queue.startMoh();
  await queue.stopMoh();
  for (const id of ids.slice(0, 2)) {
    await room.addChannel({ channel: id });
    await entered('room', id);
  }
  members(await room.get(), 'one', 'two');
  await lab.refused(422, room.removeChannel({ channel: 'three' }));
  await room.play({ media: 'sound:beep' }, ari.Playback('gong'));
  await lab.played('gong');

  await queue.removeChannel({ channel: 'three' });
  await left('queue', 'three');
  await room.addChannel({ channel: 'three' });
  await entered('room', 'three');
  members(await room.get(), ...ids);
  await room.removeChannel({ channel: 'two' });
  await left('room', 'two');
  members(await room.get(), 'one', 'three');
  const list = await ari.bridges.list();
  check(list.length === 2, `there are ${list.length} bridges`);

  await room.removeChannel({ channel: 'three' });
  await left('room', 'three');
  await queue.destroy();
  await room.destroy(); // with one in it
  await left('room', 'one');
  for (const id of ids) {
    const channel = await ari.channels.get({ channelId: id }); // they outlive their bridge
    await channel.hangup();
    await lab.destroyed(id);
  }
  for (const bridge of [room, queue]) await lab.gone(() => bridge.get());
});
