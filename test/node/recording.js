// Recording: a caller who talks is recorded, the recording is looked at while it runs, kept,
// fetched, played to another leg, copied and deleted.
'use strict';
const { scenario, check, note, pause } = require('./lib/lab');
const { tone } = require('./lib/tone');

scenario(async (lab) => {
  const { ari, app } = lab;
  const speaker = ari.Channel('speaker');
  await speaker.originate({ endpoint: 'PJSIP/talk@callee', app }); // is silent for 1.3 s, then sends 500 Hz for 2 s
  await lab.started('speaker');
  await pause(1700);
  const live = ari.LiveRecording('desk/one');
  await speaker.record({ format: 'wav', maxDurationSeconds: 30, ifExists: 'overwrite' }, live);
  await lab.seen('RecordingStarted');
  const state = await live.getLive();
  check(state.state === 'recording', `it is ${state.state}`);
  await pause(200);
  await live.pause();
  await live.unpause();
  await pause(1000);
  await live.stop();
  const finished = await lab.seen('RecordingFinished');
  check(finished.recording.duration >= 0, 'it has no duration');
  await lab.gone(() => live.getLive());
  await lab.refused(409, speaker.record({ name: 'desk/one', format: 'wav' }));

  const stored = await ari.recordings.getStored({ recordingName: 'desk/one' });
  check(stored.format === 'wav', `it is stored as ${stored.format}`);
  const all = await ari.recordings.listStored();
  check(all.some((r) => r.name === 'desk/one'), 'it is not among the stored ones');
  const file = await ari.recordings.getStoredFile({ recordingName: 'desk/one' });
  const hz = tone(file);
  note('the file has', file.length, 'bytes with', hz, 'Hz');
  check(Math.abs(hz - 500) < 10, `the recording has ${hz} Hz, want 500`);
  const copy = await stored.copyStored({ destinationRecordingName: 'desk/two' });
  check(copy.name === 'desk/two', `the copy is called ${copy.name}`);

  const listener = ari.Channel('listener');
  await listener.originate({ endpoint: lab.phone, app });
  await lab.started('listener');
  await listener.play({ media: 'recording:desk/two' }, ari.Playback('again'));
  await lab.played('again');

  await listener.hangup();
  await lab.destroyed('listener');
  await speaker.hangup();
  await lab.destroyed('speaker');
  await copy.deleteStored();
  await stored.deleteStored();
  await lab.refused(404, stored.getStored());
});
