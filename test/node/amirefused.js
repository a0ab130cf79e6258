// Asynchronous originations that come to nothing, and requests that are refused at once.
'use strict';
const { scenario, check } = require('./lib/desk');

scenario(async (desk) => {
  const click = (channel, more) => ({ Channel: channel, Context: 'default', Exten: '102', Priority: 1, Async: 'true', ...more });
  const fails = async (channel, reason, more) => {
    const asked = await desk.want('Success', 'Originate successfully queued', 'Originate', click(channel, more));
    const told = await desk.seen('OriginateResponse', { ActionID: asked.id });
    check(told.get('Response') === 'Failure' && reason.includes(told.get('Reason')), `${channel}: ${told.get('Response')} ${told.get('Reason')}`);
    check(told.get('Channel') === channel, `the channel is ${told.get('Channel')}`);
    return told;
  };
  await fails('PJSIP/carol', ['5', '0'], { ChannelId: 'busy' }); // Asterisk says 0 for a phone of PJSIP
  await desk.seen('Hangup', { Uniqueid: 'busy' });
  await fails('PJSIP/dave', ['3'], { ChannelId: 'silent', Timeout: 1000 });
  await desk.seen('Hangup', { Uniqueid: 'silent' });
  await fails('PJSIP/nobody', ['0']);
  await fails('NoTech/101', ['0']);

  const asked = await desk.want('Success', 'Originate successfully queued', 'Originate', click('PJSIP/dave', { ChannelId: 'stopped' }));
  const ringing = await desk.seen('Newstate', { Uniqueid: 'stopped', ChannelStateDesc: 'Ringing' });
  await desk.hangUp(ringing.get('Channel'));
  await desk.seen('OriginateResponse', { ActionID: asked.id, Response: 'Failure' });

  await desk.want('Error', 'Channel not specified', 'Originate', { Context: 'default', Exten: '102', Priority: 1 });
  await desk.want('Error', 'Invalid channel', 'Originate', click('alice'));
  await desk.want('Error', 'Invalid priority', 'Originate', click('PJSIP/alice', { Priority: 'nowhere' }));
  await desk.want('Error', 'Invalid timeout', 'Originate', click('PJSIP/alice', { Timeout: 'soon' }));
  await desk.want('Error', 'Extension does not exist.', 'Originate', click('PJSIP/alice', { Exten: 'nowhere' }));
  desk.none('Newchannel', { Channel: 'PJSIP/alice' });
});
