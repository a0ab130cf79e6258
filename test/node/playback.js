// Playback: a sound, a sound that is controlled and stopped, a list of sounds.
'use strict';
const { scenario, check, pause } = require('./lib/lab');

scenario(async (lab) => {
  const { ari, app } = lab;
  const channel = ari.Channel('listener');
  await channel.originate({ endpoint: lab.phone, app });
  await lab.started('listener');

  const once = ari.Playback('once');
  await channel.play({ media: 'sound:beep' }, once);
  await lab.played('once');
  await lab.gone(() => once.get());

  const long = ari.Playback('long');
  await channel.play({ media: 'sound:demo-instruct', skipms: 1000 }, long);
  await lab.seen('PlaybackStarted', (e) => e.playback.id === 'long');
  await pause(400);
  await long.control({ operation: 'pause' });
  await pause(200);
  const paused = await long.get();
  check(paused.state === 'paused', `a paused playback is ${paused.state}`);
  await long.control({ operation: 'unpause' });
  await pause(200);
  await long.control({ operation: 'forward' });
  await pause(200);
  await long.control({ operation: 'reverse' });
  await pause(200);
  await long.control({ operation: 'restart' });
  await pause(200);
  const playing = await long.get();
  check(playing.state === 'playing', `a playback that goes on is ${playing.state}`);
  await lab.refused(400, long.control({ operation: 'dance' }));
  await long.stop();
  await lab.played('long');

  const list = ari.Playback('list');
  await channel.play({ media: ['sound:beep', 'sound:beeperr', 'sound:beep'] }, list);
  await lab.seen('PlaybackContinuing', (e) => e.playback.id === 'list');
  await lab.seen('PlaybackContinuing', (e) => e.playback.id === 'list');
  await lab.played('list');

  await channel.play({ media: 'sound:no-such-sound' }, ari.Playback('missing'));
  const missing = await lab.played('missing');
  check(missing.playback.state === 'failed', `a sound that is not there: ${missing.playback.state}`);
  await channel.hangup();
  await lab.destroyed('listener');
});
