// A click in a customer's file: originate to an extension, follow both legs, look at the
// call, hang up.
'use strict';
const { scenario, check } = require('./lib/desk');

scenario(async (desk) => {
  const asked = await desk.want('Success', 'Originate successfully queued', 'Originate', {
    Channel: 'PJSIP/alice', Context: 'default', Exten: '102', Priority: 1, Timeout: 20000, Async: 'true',
    CallerID: '"Web Call" <5551234>', ChannelId: 'call-1', Variable: 'TICKET=4711',
  });
  await desk.seen('Newchannel', { Uniqueid: 'call-1' });
  await desk.seen('Newstate', { Uniqueid: 'call-1', ChannelStateDesc: 'Ringing' });
  await desk.seen('DialEnd', { DestUniqueid: 'call-1', DialStatus: 'ANSWER' });
  const originated = await desk.seen('OriginateResponse', { ActionID: asked.id });
  check(originated.get('Response') === 'Success' && originated.get('Reason') === '4' && originated.get('Uniqueid') === 'call-1', 'not originated');
  check(originated.get('CallerIDNum') === '5551234', `the caller is ${originated.get('CallerIDNum')}`);
  const channel = originated.get('Channel');
  const other = await desk.seen('DialEnd', { Uniqueid: 'call-1', DialStatus: 'ANSWER' });
  check(other.get('DestLinkedid') === 'call-1', 'the second leg is not linked to the first');
  await desk.seen('BridgeEnter');
  await desk.seen('BridgeEnter');

  const [status] = await desk.list('Status', { Channel: channel });
  check(status.get('ChannelStateDesc') === 'Up' && status.get('Linkedid') === 'call-1', 'Status does not show the call');
  const channels = await desk.list('CoreShowChannels');
  check(channels.length === 2 && channels.every((c) => c.get('Linkedid') === 'call-1'), `${channels.length} channels`);
  check((await desk.ask('Getvar', { Channel: channel, Variable: 'TICKET' })).get('Value') === '4711', 'TICKET is lost');
  await desk.want('Success', 'Variable Set', 'Setvar', { Channel: channel, Variable: 'TICKET', Value: '4712' });
  check((await desk.ask('Getvar', { Channel: channel, Variable: 'TICKET' })).get('Value') === '4712', 'TICKET is not set');

  const ended = await desk.hangUp(channel, { Cause: 16 });
  check(ended.get('Cause') === '16' && ended.get('Cause-txt') === 'Normal Clearing', `ended with ${ended.get('Cause')}`);
  await desk.seen('Hangup', { Channel: other.get('DestChannel') });
  await desk.want('Error', 'No such channel', 'Hangup', { Channel: 'PJSIP/nobody-00000000' });
});
