// Measures the pitch of a WAV file of 16 bits and 8 kHz with one tone in it.
'use strict';

// tone gives the pitch in Hz by the usual distance between two places at which the wave
// rises through zero, so that silence before it and a lost packet in it do not count. It is
// 0 if there is no tone.
function tone(file) {
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') {
    throw new Error(`no WAV file: ${file.toString('latin1', 0, 12)}`);
  }
  const rises = [];
  for (let at = file.indexOf('data') + 10; at + 1 < file.length; at += 2) {
    const before = file.readInt16LE(at - 2);
    const now = file.readInt16LE(at);
    if (before < 0 && now >= 0 && now - before > 500) rises.push(at / 2);
  }
  const distances = rises.slice(1).map((at, i) => at - rises[i]).sort((a, b) => a - b);
  return distances.length === 0 ? 0 : Math.round(8000 / distances[Math.floor(distances.length / 2)]);
}

module.exports = { tone };
