// A supervisor listens in on a call, and whispers.
'use strict';
const { scenario, check } = require('./lib/lab');

scenario(async (lab) => {
  const { ari, app } = lab;
  const speaker = ari.Channel('speaker');
  await speaker.originate({ endpoint: 'PJSIP/talk@callee', app }); // sends 500 Hz after 1.3 s
  await lab.started('speaker');
  const supervisor = ari.Channel('supervisor');
  await supervisor.originate({ endpoint: lab.phone, app });
  await lab.started('supervisor');
  const ear = await ari.channels.snoopChannelWithId({ channelId: 'speaker', snoopId: 'ear', spy: 'in', whisper: 'out', app, appArgs: 'snoop' });
  check(/^Snoop\//.test(ear.name), `it is called ${ear.name}`);
  await lab.started('ear');
  const bridge = ari.Bridge('desk');
  await bridge.create({ type: 'mixing' });
  await bridge.addChannel({ channel: ['supervisor', 'ear'] });
  await lab.seen('ChannelEnteredBridge', (e) => e.channel.id === 'supervisor');
  await lab.seen('ChannelEnteredBridge', (e) => e.channel.id === 'ear');
  await new Promise((resolve) => setTimeout(resolve, 2500)); // the speaker speaks
  await lab.refused(404, ari.channels.snoopChannel({ channelId: 'nobody', spy: 'in', app }));
  await speaker.hangup();
  await lab.destroyed('speaker');
  await lab.ended('ear'); // it ends with what it listens to
  await supervisor.hangup();
  await lab.destroyed('supervisor');
  await bridge.destroy();
});
