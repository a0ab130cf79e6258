// Package switchvox is the grammar of Switchvox's Extend API, without sockets: the XML and
// JSON envelopes, the parameters of its methods and their errors, the answers, and the
// rewriting of numbers (spec: switchvox).
//
// Both envelopes say the same and are read into one Request: a method and parameters.
// Parse gives it. Each method has a reader of its parameters (ParseCall, ParseInfo …),
// which checks all of them and gives every error, in the order of the original's tables.
// An answer is a tree of Elements, which Response writes in the envelope that was asked in.
//
//	body ── Parse ──► Request ── ParseCall ──► Call, or []Error
//	Element ── Response ──► text          []Error ── Failure ──► text
//
// What comes in is bounded in depth and in number; document type declarations and entities
// of one's own are refused. All functions are pure and may be called at once.
package switchvox
