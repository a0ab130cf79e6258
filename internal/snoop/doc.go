// Package snoop is the technology of channels that listen to another channel
// and whisper to it: what ARI's snoop operation makes.
//
//	                   ┌────────── target ──────────┐
//	its party ── says ─┤ in                     out ├─ hears ── its party
//	                   └──┬──────────────────────▲──┘
//	                   spied (taps)          whispered
//	                      ▼                      │
//	                   what it says       what it is played
//	                   └──────── Snoop/… ─────────┘
//
// A snoop channel is Up at once. What it says is what was spied: what the
// target says (in), what the target hears (out), or both mixed. What is played
// to it, or said in its bridge, is whispered: to those that hear the target
// (in), to the target's own party (out), or both. So it can be recorded like any
// channel, and a supervisor's phone that is bridged with it hears the call and
// talks to one side of it.
//
// Whispers are not spied upon: a supervisor does not hear himself (Asterisk:
// audiohook.c feeds its spies before it mixes whispers).
//
// The target may be in any state, in a bridge or not; before it has media the
// snoop channel says silence. The snoop channel ends with its target, and the
// target does not notice the end of a snoop channel.
package snoop
