// What an Originate may carry: variables in the forms that clients know, an id, an account,
// early media.
'use strict';
const { scenario, check } = require('./lib/desk');

scenario(async (desk) => {
  // One client makes a header of each member of an object, the other can only send text.
  const variables = desk.kind === 'asterisk-manager' ? { CAMPAIGN: 'spring', TEXT: 'a b', EMPTY: '' } : 'CAMPAIGN=spring,TEXT=a b,EMPTY=';
  const asked = await desk.want('Success', 'Originate successfully queued', 'Originate', {
    Channel: 'PJSIP/alice', Application: 'Wait', Data: '20', Async: 'yes', Timeout: '8000', CallerID: '1-800-5551212',
    ChannelId: 'chosen', OtherChannelId: 'unused', Account: 'sales', Codecs: 'ulaw', Variable: variables,
  });
  const originated = await desk.seen('OriginateResponse', { ActionID: asked.id });
  check(originated.get('Application') === 'Wait' && originated.get('Data') === '20' && originated.get('Uniqueid') === 'chosen', 'told something else');
  const channel = originated.get('Channel');
  for (const [name, value] of [['CAMPAIGN', 'spring'], ['TEXT', 'a b'], ['EMPTY', ''], ['UNKNOWN', ''], ['CALLERID(num)', '18005551212'], ['CHANNEL(state)', 'Up']]) {
    const answer = await desk.ask('Getvar', { Channel: channel, Variable: name });
    check(answer.get('Variable') === name && answer.get('Value') === value, `${name} is ${answer.get('Value')}`);
  }
  await desk.hangUp(channel);

  // A list is one header with commas: both come through.
  const list = desk.kind === 'asterisk-manager' ? ['ONE=1', 'TWO=2'] : 'ONE=1,TWO=2';
  const early = await desk.want('Success', 'Originate successfully queued', 'Originate', {
    Channel: 'PJSIP/erin', Application: 'Wait', Data: '20', Async: 'true', EarlyMedia: 'true', ChannelId: 'early', Variable: list,
  });
  await desk.seen('DialState', { DestUniqueid: 'early', DialStatus: 'PROGRESS' });
  const started = await desk.seen('OriginateResponse', { ActionID: early.id });
  check(started.get('Response') === 'Success' && started.get('Reason') === '4', 'early media does not count');
  check((await desk.ask('Getvar', { Channel: started.get('Channel'), Variable: 'TWO' })).get('Value') === '2', 'TWO is lost');
  await desk.hangUp(started.get('Channel'));
});
