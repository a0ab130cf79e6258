// What programs ask beside calls: the database, commands, states, events of their own.
'use strict';
const { scenario, check } = require('./lib/desk');

scenario(async (desk) => {
  check((await desk.want('Success', undefined, 'Ping')).get('Ping') === 'Pong', 'no Pong');
  await desk.want('Success', 'Updated database successfully', 'DBPut', { Family: 'desk', Key: 'colour', Val: 'deep blue' });
  await desk.want('Success', 'Updated database successfully', 'DBPut', { Family: 'desk', Key: 'size/x', Val: '7' });
  const [value] = await desk.list('DBGet', { Family: 'desk', Key: 'colour' });
  check(value.get('Val') === 'deep blue', `the value is ${value.get('Val')}`);
  check((await desk.list('DBGetTree', { Family: 'desk' })).length === 2, 'the tree has not two entries');
  const shown = await desk.want('Success', 'Command output follows', 'Command', { Command: 'database get desk colour' });
  check(shown.get('Output') === 'Value: deep blue', `the command says ${shown.get('Output')}`);
  await desk.want('Success', 'Key deleted successfully', 'DBDel', { Family: 'desk', Key: 'colour' });
  await desk.want('Error', 'Database entry not found', 'DBGet', { Family: 'desk', Key: 'colour' });
  await desk.want('Success', 'Key tree deleted successfully', 'DBDelTree', { Family: 'desk' });
  await desk.want('Error', 'Command output follows', 'Command', { Command: 'make coffee' });
  await desk.ask('Command', { Command: 'core show channels count' });

  check((await desk.want('Success', undefined, 'CoreStatus')).get('CoreCurrentCalls') === '0', 'a call is there');
  check((await desk.ask('Getvar', { Variable: 'GLOB' })).get('Value') === 'globalvalue', 'no global variable');
  check((await desk.ask('ExtensionState', { Exten: '101', Context: 'default' })).get('StatusText') === 'Idle', 'not idle');
  check((await desk.list('CoreShowChannels')).length === 0, 'channels are there');
  check((await desk.list('Status')).length === 0, 'channels are there');

  await desk.want('Success', 'Event Sent', 'UserEvent', { UserEvent: 'Ticket', Number: '4711', State: 'open' });
  const told = await desk.seen('UserEvent', { UserEvent: 'Ticket' });
  check(told.get('Number') === '4711' && told.get('State') === 'open', 'the event is another');
  check((await desk.ask('Events', { EventMask: 'off' })).get('Events') === 'Off', 'events are on');
  await desk.want('Success', 'Event Sent', 'UserEvent', { UserEvent: 'Unheard' });
  check((await desk.ask('Events', { EventMask: 'user,call' })).get('Events') === 'On', 'events are off');
  desk.none('UserEvent', { UserEvent: 'Unheard' });
  const unknown = await desk.want('Error', undefined, 'Dance');
  check(/^Invalid\/unknown command/.test(unknown.get('Message')), unknown.get('Message'));
});
