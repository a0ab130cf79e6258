// Package sipnet moves SIP messages between this process and the network: it
// owns the sockets, cuts streams into messages, limits what strangers can
// cost, and knows the way back to whoever sent a message.
//
// # Life of a message
//
//	socket ──► limit (N2) ──► parse ──► handle(flow, message)      one read loop per
//	                           │                                   socket, inline, in order
//	                           └──► 400 straight back, or dropped and counted
//
// The read loop of a socket parses a message and calls the handler given to
// [Net.Start] itself. No goroutine is started per message and the handler must
// not block, so what arrives in order is handled in order: 183 before 200,
// INVITE before its CANCEL. A handler that panics costs that one message: the
// loop logs it, counts it and reads on.
//
// # Flows
//
// A [Flow] is where a message came from and where the answer goes: a stream
// connection, or the pair of our UDP socket and a peer's address (the source
// of the packet, RFC 3581; never what a header claims). Responses go back on
// the request's flow, and so do requests to phones behind NAT or WebSockets,
// whose Contact means nothing here.
//
//	open ──► (registered | retained: not closed for being idle) ──► closed, once, with a reason
//
// Stream flows close when the peer does, after 120 s without use unless
// registered or retained, when a message takes longer than 20 s to arrive,
// when 5 s are not enough to write, and when the peer reads so slowly that
// 1 MiB waits for it. [Flow.OnClose] tells who depends on it. UDP flows never
// close before the Net stops.
//
// # Limits
//
// Messages: 64 KiB. Connections: 4,096, and 256 from one unknown address.
// Messages from sources that are neither known to the configuration nor
// registered nor spoken to by us: 200 a second each, remembered for the
// latest 10,000 addresses. What one source can make us remember is bounded in
// every table. When the process is out of file descriptors, accepting pauses
// (5 ms to 1 s), the connection that was idle longest is closed, and nothing
// else stops.
//
// # Promises
//
// Sending never blocks on a peer: UDP hands the datagram to the kernel,
// streams queue it for a writer goroutine. A failed write on a stream is
// reported by closing the flow. No input makes this package panic, spin or
// grow without bound.
//
// What it does not do: retransmit, match responses, or know what a dialog is;
// that is package txn and package ua.
package sipnet
