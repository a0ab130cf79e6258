package vodia

import (
	"context"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	wire "github.com/dialwright/dialwright/internal/wire/vodia"
)

// Bounds of what a client may send. A client that sends faster is read more slowly.
const (
	framesASecond = 20
	framesAtOnce  = 60
	badFrames     = 10 // in badTime close the socket (spec: vodia 8.8)
	badTime       = time.Minute
)

// errNotText is what a binary frame gets (spec: vodia 8.2).
var errNotText = &wire.Error{Code: wire.BadRequest, Text: "A message must be one JSON object, sent as text."}

// read takes frames from the client until the socket ends, and says why that was.
func (k *socket) read(ctx context.Context) error {
	// Canceling a read would tear the connection down before it is closed in order: what
	// ends it is the close.
	reading := context.WithoutCancel(ctx)
	pace := rate.NewLimiter(framesASecond, framesAtOnce)
	var faults faults
	for {
		kind, text, err := k.conn.Read(reading)
		if err != nil {
			return err
		}
		k.heard.Store(time.Now().UnixNano())
		if pace.Wait(ctx) != nil {
			return context.Cause(ctx)
		}
		if kind == websocket.MessageText && !utf8.Valid(text) { // RFC 6455 §8.1
			k.end(websocket.StatusInvalidFramePayloadData, "the text is not UTF-8")
			continue
		}
		action, frame, err := "", wire.Frame(nil), error(errNotText)
		if kind == websocket.MessageText {
			action, frame, err = wire.ParseFrame(text)
		}
		if err == nil {
			k.do(ctx, action, frame)
			continue
		}
		k.answer(ctx, wire.Refused{Request: action, Code: http.StatusBadRequest, Message: faultText(err)})
		if faults.add(time.Now()) {
			k.end(websocket.StatusPolicyViolation, "too many bad messages")
		}
	}
}

// faultText is what a client is told of a message that is not understood.
func faultText(err error) string {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e.Text
	}
	return errNotText.Text
}

// answer sends a message to the client. It waits while too many others wait to be sent.
func (k *socket) answer(ctx context.Context, m wire.Message) {
	select {
	case k.answers <- m:
	case <-ctx.Done():
	}
}

// faults are the times of the newest bad frames.
type faults struct {
	at   [badFrames]time.Time
	next int
}

// add notes a bad frame, and says whether there were too many within badTime.
func (f *faults) add(now time.Time) bool {
	f.at[f.next] = now
	f.next = (f.next + 1) % badFrames
	oldest := f.at[f.next]
	return !oldest.IsZero() && now.Sub(oldest) < badTime
}
