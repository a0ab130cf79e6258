// Takes out of a transcript what is different each time: instants, generated ids, the
// numbers in names of channels, counted packets, and the order of what has none (Asterisk
// keeps the members of a bridge, and all bridges, in tables without an order).
'use strict';

const always = new Set(['timestamp', 'creationtime', 'asterisk_id', 'startup_time', 'last_reload_time']);
const ifThere = new Set(['protocol_id', 'entity_id']);
const replacements = [
  [/\b(PJSIP|Local|Snoop)\/(\S+?)-[0-9a-f]{8,12}\b/g, '$1/$2-#'],
  [/\b\d{10}\.\d+\b/g, 'generated'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'uuid'],
  [/\b(Announcer|Recorder)\/ARI(_MOH)?-[0-9a-f]{8}\b/g, '$1/ARI-#'],
  [/127\.0\.0\.1:\d+/g, '127.0.0.1:port'],
];

function text(key, value) {
  if (always.has(key) || (ifThere.has(key) && value !== '')) return '…';
  return replacements.reduce((s, [pattern, by]) => s.replace(pattern, by), value);
}

// normal gives a copy of a value of JSON; key is the name under which it stands.
function normal(value, key = '') {
  if (typeof value === 'string') return text(key, value);
  if (key === 'channels') return [...value].sort();
  if (Array.isArray(value)) return value.map((v) => normal(v, key));
  if (value === null || typeof value !== 'object') return value;
  const out = {};
  for (const k of Object.keys(value)) out[k] = normal(value[k], k);
  if (/\.(play|record)/.test(value.operation) && out.answer) delete out.answer.state; // as quick as it is
  if (/\.list/.test(value.operation) && Array.isArray(out.answer)) {
    out.answer.sort((a, b) => ((a.id || a.name) < (b.id || b.name) ? -1 : 1));
  }
  if (/^(RTPAUDIOQOS|BRIDGEPVTCALLID)/.test(value.variable) && value.value !== '') out.value = '…';
  return out;
}

module.exports = { normal };
