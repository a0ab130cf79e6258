// Package extmedia connects channels with programs that make and take audio:
// speech recognition, voice agents, recorders, generators of tones. It has three
// technologies, named as Asterisk names them:
//
//	UnicastRTP/HOST:PORT/c(FORMAT)              RTP over UDP
//	AudioSocket/HOST:PORT/UUID[/c(FORMAT)]      frames over TCP, we connect
//	WebSocket/NAME/c(FORMAT)[n][p][v(…)][f(…)]  messages over a WebSocket, we connect
//	WebSocket/INCOMING/…                        the same, the program connects to /media/ID
//
// They can be dialled like every endpoint, and Media.Open makes the channel that
// ARI's externalMedia asks for.
//
// What a program sends is paced here, 20 ms at a time, however it was cut; a
// WebSocket and an AudioSocket may send ahead of time. Queues are bounded: a
// program that sends too much is told (MEDIA_XOFF) or not read from any more
// (TCP), one that does not read loses audio and at last its connection.
package extmedia
