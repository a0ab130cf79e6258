// Measures the pitch of a WAV file of 16 bits and 8 kHz with one tone in it.
'use strict';

// tone gives the pitch in Hz by the number of times at which the wave rises through zero.
function tone(file) {
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') {
    throw new Error(`no WAV file: ${file.toString('latin1', 0, 12)}`);
  }
  const data = file.indexOf('data') + 8;
  let first = -1;
  let last = -1;
  let rises = 0;
  for (let at = data + 2, n = 1; at + 1 < file.length; at += 2, n++) {
    if (file.readInt16LE(at - 2) < 0 && file.readInt16LE(at) >= 0 && file.readInt16LE(at) + -file.readInt16LE(at - 2) > 500) {
      if (first < 0) first = n;
      else rises++;
      last = n;
    }
  }
  return rises === 0 ? 0 : Math.round((8000 * rises) / (last - first));
}

module.exports = { tone };
