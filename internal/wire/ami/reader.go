package ami

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// Limits of what a client may send (spec: ami 1, rule 6).
const (
	MaxHeaders = 128  // lines of a packet
	MaxLine    = 1022 // bytes of a line without its end
)

// What is wrong with a packet. The texts are those of the answer; the connection goes on
// (spec: ami 1, rule 6; observed: Asterisk 22.10).
const (
	ErrTooManyLines = Refusal("Too many lines in message or allocation failure")
	ErrLineTooLong  = Refusal("Failed to parse message: line too long")
)

// Reader cuts what a client sends into packets. It needs the same little memory whatever
// comes: of a line that is too long and of lines that are too many nothing is kept.
type Reader struct{ r *bufio.Reader }

// NewReader reads packets from r.
func NewReader(r io.Reader) *Reader { return &Reader{bufio.NewReaderSize(r, MaxLine+2)} }

// Read gives the next packet; a lone empty line is a packet without headers. With
// ErrTooManyLines and ErrLineTooLong the packet holds the headers that could be read, the
// ActionID may be among them, and the next Read begins after the packet's end. Any other
// error is that of the connection; half a packet before it is lost.
func (r *Reader) Read() (Packet, error) {
	var p Packet
	var wrong error
	for lines := 0; ; lines++ {
		line, long, err := r.line()
		switch {
		case err != nil:
			return Packet{}, err
		case long:
			wrong = first(wrong, ErrLineTooLong)
			continue
		case len(line) == 0:
			return p, wrong
		case lines >= MaxHeaders:
			wrong = first(wrong, ErrTooManyLines)
			continue
		}
		if h, ok := parseHeader(string(line)); ok {
			p.Headers = append(p.Headers, h)
		}
	}
}

func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// line reads one line, which ends with LF or CRLF; text after a NUL is not part of it
// (spec: ami 1, rules 5 and 8). A long one is read to its end and not given.
func (r *Reader) line() (line []byte, long bool, err error) {
	line, err = r.r.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		long = true
		line, err = r.r.ReadSlice('\n')
	}
	if err != nil || long {
		return nil, long, err
	}
	line = bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'})
	if len(line) > MaxLine {
		return nil, true, nil
	}
	if i := bytes.IndexByte(line, 0); i >= 0 {
		line = line[:i]
	}
	return line, false, nil
}

// parseHeader splits a line at its first colon. Blanks before the value do not belong to
// it, those after it do; a line without a colon is none (spec: ami 1, rule 5).
func parseHeader(line string) (Header, bool) {
	name, value, ok := strings.Cut(line, ":")
	return Header{name, trimBlanks(value)}, ok
}

// trimBlanks drops what Asterisk takes for blanks at the beginning: every control
// character (Asterisk: strings.h ast_skip_blanks).
func trimBlanks(s string) string {
	for len(s) > 0 && s[0] <= ' ' {
		s = s[1:]
	}
	return s
}
