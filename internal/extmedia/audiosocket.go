package extmedia

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The kinds of AudioSocket messages (Asterisk: res_audiosocket.h).
//
//	|  kind  |     length      |  payload …
//	| 1 octet| 2, network order|
const (
	kindHangup byte = 0x00
	kindUUID   byte = 0x01 // 16 octets; the first message of the connection
	kindDTMF   byte = 0x03 // 1 octet: the digit
	kindSlin   byte = 0x10 // linear audio, 8 kHz, little-endian
	kindSlin16 byte = 0x12 // the same, 16 kHz
	kindError  byte = 0xff // an octet that only the program understands, or none
)

// message is one message of an AudioSocket.
type message struct {
	kind    byte
	payload []byte
}

// readMessage reads one; its payload is in buf, which grows to what is needed, at
// most 65,535 octets.
func readMessage(r *bufio.Reader, buf []byte) (message, []byte, error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return message{}, buf, err
	}
	n := int(binary.BigEndian.Uint16(head[1:]))
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return message{}, buf, err
	}
	return message{head[0], buf}, buf, nil
}

// appendMessage appends one to b; payloads longer than 65,535 octets are cut.
func appendMessage(b []byte, kind byte, payload []byte) []byte {
	payload = payload[:min(len(payload), 0xffff)]
	b = append(b, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	return append(b, payload...)
}

// audioKind is how audio of a format is sent; formats that are not linear are made so
// by the port.
func audioKind(f format) byte {
	if f.rate == 16000 {
		return kindSlin16
	}
	return kindSlin
}

// linear is the format in which an AudioSocket carries another.
func linear(f format) format {
	name := "slin"
	if f.rate == 16000 {
		name = "slin16"
	}
	f, _ = lookup(name)
	return f
}

// errKind ends a connection that speaks something else (Asterisk: res_audiosocket.c).
type errKind byte

func (e errKind) Error() string { return fmt.Sprintf("message of unknown kind 0x%02x", byte(e)) }
