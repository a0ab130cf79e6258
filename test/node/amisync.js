// Synchronous originations: the answer comes when the phone has answered, or has not.
'use strict';
const { scenario, check } = require('./lib/desk');

scenario(async (desk) => {
  const call = (number, more) => ({ Channel: number, Application: 'Wait', Data: '20', Timeout: 8000, ...more });
  await desk.want('Success', 'Originate successfully queued', 'Originate', call('PJSIP/alice', { ChannelId: 'sync-1' }));
  const born = await desk.seen('Newchannel', { Uniqueid: 'sync-1' });
  await desk.seen('DialEnd', { DestUniqueid: 'sync-1', DialStatus: 'ANSWER' });
  await desk.hangUp(born.get('Channel'));

  await desk.want('Error', 'Originate failed', 'Originate', call('PJSIP/carol', { ChannelId: 'busy' }));
  await desk.seen('DialEnd', { DestUniqueid: 'busy', DialStatus: 'BUSY' });
  check((await desk.seen('Hangup', { Uniqueid: 'busy' })).get('Cause') === '17', 'busy has another cause');

  await desk.want('Error', 'Originate failed', 'Originate', call('PJSIP/dave', { ChannelId: 'silent', Timeout: 1000 }));
  check((await desk.seen('Hangup', { Uniqueid: 'silent' })).get('Cause') === '19', 'no answer has another cause');

  await desk.want('Error', 'Originate failed', 'Originate', call('PJSIP/gina', { ChannelId: 'declined' }));
  check((await desk.seen('Hangup', { Uniqueid: 'declined' })).get('Cause') === '21', 'declined has another cause');

  await desk.want('Error', 'Originate failed', 'Originate', call('PJSIP/nobody'));
  await desk.want('Error', 'Originate failed', 'Originate', call('NoTech/101'));
  desk.none('OriginateResponse');
});
