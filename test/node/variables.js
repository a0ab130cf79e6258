// Variables and functions, of a channel and global ones.
'use strict';
const { scenario, check } = require('./lib/lab');

scenario(async (lab) => {
  const { ari, app } = lab;
  const channel = ari.Channel('call');
  await channel.originate({ endpoint: lab.phone, app, callerId: '"Bob" <1002>', variables: { PLAIN: 'a', 'CHANNEL(language)': 'de' } });
  await lab.started('call');
  const get = async (variable) => (await channel.getChannelVar({ variable })).value;
  const is = async (variable, want) => {
    const value = await get(variable);
    check(value === want, `${variable} is ${value}, want ${want}`);
  };
  await is('PLAIN', 'a');
  await is('CHANNEL(language)', 'de');
  await is('CHANNEL(state)', 'Up');
  await is('CALLERID(num)', '1002');
  await channel.setChannelVar({ variable: 'PLAIN', value: 'b, with "quotes" & ümlauts' });
  await is('PLAIN', 'b, with "quotes" & ümlauts');
  await channel.setChannelVar({ variable: 'CALLERID(name)', value: 'Robert' });
  await is('CALLERID(all)', '"Robert" <1002>');
  await channel.setChannelVars({ variables: { FIRST: '1', SECOND: '2' } });
  const two = await channel.getChannelVars({ variables: ['FIRST', 'SECOND'] });
  check(two.variables.FIRST === '1' && two.variables.SECOND === '2', `two variables: ${JSON.stringify(two)}`);
  await channel.setChannelVar({ variable: 'SHOWN', value: 'yes', report_events: true });
  const shown = await channel.get();
  check(shown.channelvars && shown.channelvars.SHOWN === 'yes', `the channel shows ${JSON.stringify(shown.channelvars)}`);
  await channel.setChannelVar({ variable: 'PLAIN' }); // unsets it
  await lab.refused(404, channel.getChannelVar({ variable: 'PLAIN' }));
  await lab.refused(500, channel.getChannelVar({ variable: 'NOSUCHFUNCTION(x)' }));
  await lab.refused(400, channel.getChannelVar({}));
  await ari.asterisk.setGlobalVar({ variable: 'OFFICE', value: 'north' });
  const office = await ari.asterisk.getGlobalVar({ variable: 'OFFICE' });
  check(office.value === 'north', `OFFICE is ${office.value}`);
  await channel.hangup();
  await lab.destroyed('call');
});
