// Package dialplan is the language of extensions.conf: it loads a plan, finds
// the step for an extension, matches patterns in Asterisk's order, knows the
// times of includes, replaces variables and splits arguments. It runs nothing:
// package run does that, on channels of the switch.
//
// A Plan is immutable. A reload makes another one; whoever runs keeps the plan
// that it began with (spec: dialplan 7).
package dialplan
