package callfile

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dialwright/dialwright/internal/call"
	wire "github.com/dialwright/dialwright/internal/wire/callfile"
)

// Bounds of a request, as the originator has them.
const (
	maxText    = 512
	maxRetries = 1000
	maxWait    = 366 * 24 * time.Hour
)

// key is the idempotency key of a file: the same for the same file whatever is
// appended to it, another for every other. A file is its inode and when that was
// made; where the system does not tell, what its producer has written. The device is
// no part of it, because its number may change when the machine starts.
func key(e *entry, text []byte) string {
	h := sha256.New()
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], e.id.ino)
	binary.BigEndian.PutUint64(b[8:], uint64(e.id.born))
	h.Write(b[:])
	if e.id.born == 0 {
		h.Write(wire.Origin(text))
	}
	return hex.EncodeToString(h.Sum(nil)[:16]) + "." + strconv.Itoa(e.gen)
}

// request translates a file (spec: callfile 3, 6.1).
func (d *Door) request(e *entry, f *wire.File, text []byte) call.Request {
	further := f.MaxRetries - f.Retries
	if f.Open != 0 && further > 0 {
		further-- // the attempt that another server has left open counts
	}
	r := call.Request{
		Key:     key(e, text),
		Origin:  call.Origin{Door: DoorName, Principal: Principal, Reference: printable(e.name)},
		Account: d.o.Account, AccountCode: decode(f.Account),
		First: call.Endpoint(decode(f.Channel())), Then: then(f),
		WaitTime:    min(f.WaitTime, maxWait),
		Retry:       call.Retry{Max: min(further, maxRetries), Wait: min(f.RetryTime, maxWait), Interrupted: true, Not: d.o.NoRetryOn},
		EarlyMedia:  f.EarlyMedia,
		Codecs:      f.Preferred(),
		AttemptBase: f.Retries, Lenient: true, Late: true,
	}
	if id := f.CallerID; id != nil {
		r.CallerID = call.CallerID{Name: oneLine(decode(id.Name)), Number: oneLine(decode(id.Number))}
	}
	for _, v := range f.Set {
		name := decode(v.Name)
		if strings.TrimLeft(name, "_") == "" || strings.ContainsFunc(name, strange) || len(name) > maxText {
			// One line that makes no sense costs no call (spec: callfile 3.2).
			d.log.Warn("call file", "file", e.name, "line", v.Line, "warning", fmt.Sprintf("%.80q cannot be the name of a variable; the line is skipped", name))
			continue
		}
		r.Variables = append(r.Variables, call.Variable{Name: name, Value: decode(v.Value)})
	}
	return r
}

// then gives what follows the answer: an application wins over an extension
// (spec: callfile 3.2).
func then(f *wire.File) call.Then {
	if f.Application != "" {
		return call.Then{Kind: call.ThenApplication, Name: decode(f.Application), Data: decode(f.Data)}
	}
	t := call.Then{Kind: call.ThenDialplan, Context: decode(f.Context), Extension: decode(f.Extension), Priority: decode(f.Label)}
	if t.Priority == "" {
		t.Priority = strconv.Itoa(f.Priority)
	}
	return t
}

// target says where an answered call goes, as Asterisk's log does.
func target(f *wire.File) string {
	if f.Application != "" {
		return fmt.Sprintf("application %s(%s)", f.Application, f.Data)
	}
	return fmt.Sprintf("%s@%s:%d", f.Extension, f.Context, f.Priority)
}

func isUTF8(s string) bool { return utf8.ValidString(s) }

// decode gives text as UTF-8. Call files are bytes; what is no UTF-8 is read as
// ISO 8859-1, which is what the old editors wrote.
func decode(s string) string {
	if isUTF8(s) {
		return s
	}
	out := make([]rune, 0, len(s))
	for i := 0; i < len(s); i++ {
		out = append(out, rune(s[i]))
	}
	return string(out)
}

// strange reports whether a character cannot stand in a record.
func strange(r rune) bool { return r < ' ' || r == 0x7f }

// clip cuts a text to n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
