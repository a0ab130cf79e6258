// An operator: a call comes in, is answered and greeted, the caller presses a digit and #,
// and is put through to whom the digit stands for. The caller hears it ring.
'use strict';
const { scenario, check, note } = require('./lib/lab');

const people = { 7: 'PJSIP/talk@callee' };

// digits reads what a caller presses up to #.
function digits(channel) {
  return new Promise((resolve) => {
    let pressed = '';
    const on = (event) => {
      if (event.digit !== '#') {
        pressed += event.digit;
        return;
      }
      channel.removeListener('ChannelDtmfReceived', on);
      resolve(pressed);
    };
    channel.on('ChannelDtmfReceived', on);
  });
}

scenario(async (lab) => {
  const { ari, app } = lab;
  const incoming = new Promise((resolve) => ari.once('StasisStart', (event, channel) => resolve(channel)));
  note('waiting for a call');
  const caller = await incoming;
  check(caller.state === 'Ring', `a call that comes in is ${caller.state}`);
  await caller.ring();
  await caller.answer();
  await lab.seen('ChannelStateChange', (e) => e.channel.id === caller.id && e.channel.state === 'Up');
  const greeting = ari.Playback('greeting');
  const choice = digits(caller);
  await caller.play({ media: 'sound:demo-instruct' }, greeting);
  await lab.seen('PlaybackStarted', (e) => e.playback.id === 'greeting');
  note('press now');
  const pressed = await choice;
  check(people[pressed], `nobody has the number ${pressed}`);
  await greeting.stop();
  await lab.played('greeting');

  const bridge = ari.Bridge('through');
  await bridge.create({ type: 'mixing' });
  const callee = await ari.channels.create({ endpoint: people[pressed], app, appArgs: 'callee', channelId: 'callee', originator: caller.id });
  await lab.started('callee');
  await bridge.addChannel({ channel: caller.id });
  await lab.seen('ChannelEnteredBridge', (e) => e.channel.id === caller.id);
  await bridge.addChannel({ channel: 'callee' });
  await lab.seen('ChannelEnteredBridge', (e) => e.channel.id === 'callee');
  await callee.dial({ caller: caller.id, timeout: 20 });
  await lab.dial('callee', 'ANSWER');
  note('put through');
  const end = await lab.seen('ChannelHangupRequest', (e) => e.channel.id === caller.id);
  check(end.cause === 16, `the caller hung up with cause ${end.cause}`); // as the BYE says
  await lab.ended(caller.id);
  await callee.hangup();
  await lab.destroyed('callee');
  await bridge.destroy();
});
