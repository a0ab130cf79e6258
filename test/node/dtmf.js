// Digits: those that the phone presses, and those that the application sends.
'use strict';
const { scenario, check, pause } = require('./lib/lab');

scenario(async (lab) => {
  const { ari, app } = lab;
  const presses = ari.Channel('presses');
  await presses.originate({ endpoint: 'PJSIP/dtmf@callee', app });
  await lab.started('presses');
  for (const want of ['1', '2', '#']) {
    const event = await lab.seen('ChannelDtmfReceived', (e) => e.channel.id === 'presses');
    check(event.digit === want, `pressed ${event.digit}, want ${want}`);
    check(event.duration_ms > 0, `for ${event.duration_ms} ms`);
  }
  await presses.hangup();
  await lab.destroyed('presses');

  const hears = ari.Channel('hears');
  await hears.originate({ endpoint: lab.phone, app });
  await lab.started('hears');
  await hears.sendDTMF({ dtmf: '12*#', between: 100, duration: 120 });
  await lab.refused(400, hears.sendDTMF({}));
  await pause(1500);
  await hears.hangup();
  await lab.destroyed('hears');
});
