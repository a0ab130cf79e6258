// Package switchvox is the grammar of Switchvox's Extend API, without sockets: the XML and
// JSON envelopes, the parameters of its methods and their errors, and the rewriting of
// numbers (spec: switchvox).
package switchvox
