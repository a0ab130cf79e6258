// Package sipnet moves SIP messages between this process and the network: it
// owns the sockets, cuts streams into messages, limits what strangers can
// cost us, and knows the way back to whoever sent a message.
package sipnet
