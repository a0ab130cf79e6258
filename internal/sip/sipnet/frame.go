package sipnet

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// errFraming is a stream whose next message cannot be found: the length of
// this one is unknown.
var errFraming = errors.New("unusable Content-Length on a stream")

// framer cuts a byte stream into messages. It is used instead of the
// library's ParserStream because it finds the end of a message without
// understanding its headers: a message with a bad header costs a 400 and the
// connection lives on, and both kinds of transport share one way of parsing.
//
//	CRLF CRLF            → ping (RFC 5626 §4.4.1)
//	CRLF* head CRLF CRLF body[Content-Length] → message
type framer struct {
	base    []byte // the whole buffer
	buf     []byte // its part that is not consumed
	scanned int    // bytes of buf that hold no end of the head
	size    int    // of the message at its start, 0 while its head is not complete
	crlf    int    // line ends before the next message
}

// frame is what the framer found.
type frame struct {
	data []byte // one message, valid until the next call of space
	ping bool   // a keepalive that wants one CR LF
}

// space gives room for the next read. After it, [framer.filled] says how much
// was used.
func (f *framer) space() []byte {
	if len(f.buf) == 0 {
		if cap(f.base) > 16<<10 {
			f.base = nil // a large message has passed
		}
		f.buf = f.base[:0]
	}
	if cap(f.buf)-len(f.buf) < 2048 {
		f.base = make([]byte, len(f.buf), max(4096, 2*cap(f.buf)))
		copy(f.base, f.buf)
		f.buf = f.base
	}
	return f.buf[len(f.buf):cap(f.buf)]
}

func (f *framer) filled(n int) { f.buf = f.buf[:len(f.buf)+n] }

// partial reports whether a message has begun and not ended.
func (f *framer) partial() bool { return len(f.buf) > 0 }

// next gives the next frame; ok is false when more bytes are needed. With
// errFraming the frame holds the head that caused it. After an error the
// stream is unusable.
func (f *framer) next() (fr frame, ok bool, err error) {
	if f.skipLineEnds() {
		return frame{ping: true}, true, nil
	}
	if f.size == 0 {
		if head, err := f.measure(); err != nil {
			return frame{data: head}, false, err
		}
	}
	if f.size == 0 || len(f.buf) < f.size {
		return frame{}, false, nil
	}
	fr.data = f.buf[:f.size]
	f.take(f.size)
	return fr, true, nil
}

// measure finds out how long the message at the buffer's start is, once its
// head is complete. It does so once per message, however small the pieces in
// which its body comes. On error it gives the head, if there is one.
func (f *framer) measure() (head []byte, err error) {
	end := bytes.Index(f.buf[f.scanned:], []byte("\r\n\r\n"))
	if end < 0 {
		f.scanned = max(0, len(f.buf)-3)
		if len(f.buf) > maxMessage {
			return nil, ErrTooLarge
		}
		return nil, nil
	}
	head = f.buf[:f.scanned+end+4]
	length, err := contentLength(head)
	if err != nil {
		return head, err
	}
	if len(head)+length > maxMessage {
		return head, ErrTooLarge
	}
	f.size = len(head) + length
	return head, nil
}

// skipLineEnds drops line ends before a message and reports a ping.
func (f *framer) skipLineEnds() (ping bool) {
	if f.scanned > 0 || f.size > 0 {
		return false // inside a message
	}
	n := 0
	for len(f.buf)-n >= 2 && f.buf[n] == '\r' && f.buf[n+1] == '\n' && f.crlf < 2 {
		n += 2
		f.crlf++
	}
	f.take(n)
	if f.crlf == 2 {
		f.crlf = 0
		return true
	}
	if len(f.buf) > 0 && f.buf[0] != '\r' {
		f.crlf = 0
	}
	return false
}

// take removes n bytes from the front. What was given out of them stays
// intact until the next read, because the rest is not moved.
func (f *framer) take(n int) {
	if n > 0 {
		f.buf = f.buf[n:]
		f.scanned, f.size = 0, 0
	}
}

// contentLength finds the body's length in a head. A missing header is no
// body, though RFC 3261 §20.14 requires it on streams: the message is then
// complete, or the next one is not SIP and ends the connection.
func contentLength(head []byte) (int, error) {
	found, length := false, 0
	for _, line := range headLines(bytes.TrimSuffix(head, []byte("\r\n\r\n"))) {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		if name = strings.Trim(name, lws); !strings.EqualFold(name, "Content-Length") && !strings.EqualFold(name, "l") {
			continue
		}
		n, err := strconv.ParseUint(strings.Trim(value, lws), 10, 31)
		if err != nil || found && int(n) != length {
			return 0, errFraming
		}
		found, length = true, int(n)
	}
	return length, nil
}
