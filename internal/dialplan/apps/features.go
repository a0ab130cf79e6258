package apps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// feature is something that a party of a conversation can do by digits.
type feature int

const (
	featureHangup   feature = iota + 1 // h, H
	featureTransfer                    // t, T
	featureRecord                      // w, W, x, X
)

// The codes of the features, and how long a further digit of one is waited for
// (Asterisk: features_config.c, the built-in codes; featuredigittimeout).
const (
	codeHangup      = "*"
	codeTransfer    = "#"
	codeRecord      = "*1" // w, W
	codeRecordMixed = "*3" // x, X
	featureTimeout  = time.Second
)

// features are the codes that one party may dial, and what it has typed of one.
type features struct {
	codes map[string]feature
	typed string
}

// featuresOf reads the options for the called party or the caller: small letters
// are the called party's.
func featuresOf(o letters, called bool) features {
	f := features{codes: map[string]feature{}}
	for _, c := range [...]struct {
		called, caller rune
		code           string
		f              feature
	}{
		{'h', 'H', codeHangup, featureHangup}, {'t', 'T', codeTransfer, featureTransfer},
		{'w', 'W', codeRecord, featureRecord}, {'x', 'X', codeRecordMixed, featureRecord},
	} {
		if called && o.has(c.called) || !called && o.has(c.caller) {
			f.codes[c.code] = c.f
		}
	}
	return f
}

// press takes a digit. It gives the feature whose code is complete, or says that
// a longer one may follow.
func (f *features) press(d rune) (done feature, wait bool) {
	if len(f.codes) == 0 {
		return 0, false
	}
	for _, typed := range [...]string{f.typed + string(d), string(d)} {
		exact, longer := f.match(typed)
		switch {
		case longer:
			f.typed = typed
			return 0, true
		case exact != 0:
			f.typed = ""
			return exact, false
		}
	}
	f.typed = ""
	return 0, false
}

// settle gives the feature that was typed when no longer one has followed.
func (f *features) settle() feature {
	exact, _ := f.match(f.typed)
	f.typed = ""
	return exact
}

func (f *features) match(typed string) (exact feature, longer bool) {
	for code := range f.codes {
		longer = longer || len(code) > len(typed) && strings.HasPrefix(code, typed) && typed != ""
	}
	return f.codes[typed], longer
}

// recordingName is where a conversation is recorded at a party's wish.
func recordingName(wanted string, a, b *pbx.Channel) string {
	if wanted == "" {
		wanted = fmt.Sprintf("%s-%s", a.Snapshot().Caller.Number, b.Snapshot().Phone)
	}
	name := fmt.Sprintf("auto-%d-%s.wav", time.Now().Unix(), wanted)
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("/\\,()&", r) {
			return '_'
		}
		return r
	}, name)
}

// ask takes both out of the bridge, asks by where the other one shall go, and
// sends it there. Nobody there, or nothing typed: they are connected again.
func (t *talk) ask(ctx context.Context, by, other *pbx.Channel) ending {
	for _, c := range [...]*pbx.Channel{by, other} {
		_ = t.bridge.Remove(c) // ErrGone is seen below
	}
	typed, err := t.readExtension(ctx, by)
	if err == nil && typed != "" {
		if to, ok := t.place(by, typed); ok {
			return t.send(by, other, to)
		}
		err = playTo(ctx, t.x, by, "pbx-invalid")
	}
	switch {
	case t.a.Context().Err() != nil:
		return callerLeft
	case t.b.Context().Err() != nil:
		return calledLeft
	case ctx.Err() != nil:
		return stopped
	case err != nil:
		t.x.Logger().Info("transfer not done", "by", by.Name(), "error", err)
	}
	t.bridge.Destroy()
	return t.enter()
}

// readExtension reads an extension of the context of by, until no longer one can
// follow.
func (t *talk) readExtension(ctx context.Context, by *pbx.Channel) (string, error) {
	prompt := []string{"sound:pbx-transfer"}
	typed := ""
	for {
		d, err := by.ReadDigits(ctx, pbx.ReadOptions{Prompts: prompt, Max: 1, First: transferDigitTimeout})
		prompt = nil
		if errors.Is(err, pbx.ErrTimeout) || err == nil && d == "" {
			return typed, nil
		}
		if err != nil {
			return "", err
		}
		typed += d
		if !t.x.Plan().MatchMore(transferContext(by), typed, dialplan.Caller{Number: by.Snapshot().Caller.Number, At: time.Now()}) {
			return typed, nil
		}
	}
}

// transferDigitTimeout is how long a digit of a transfer is waited for
// (Asterisk: features.conf transferdigittimeout).
const transferDigitTimeout = 3 * time.Second

// transferContext is where a party may transfer to: its TRANSFER_CONTEXT, else
// its own context.
func transferContext(by *pbx.Channel) string {
	if v, ok := by.PlainVariable("TRANSFER_CONTEXT"); ok && v != "" {
		return v
	}
	return by.Snapshot().Context
}

// place finds an extension for somebody who transfers there.
func (t *talk) place(by *pbx.Channel, exten string) (run.Position, bool) {
	to := run.Position{Context: transferContext(by), Exten: exten, Priority: 1}
	if x, in, ok := strings.Cut(exten, "@"); ok && by.Snapshot().Technology == "Local" { // a dialplan wants it, and not a phone
		to.Exten, to.Context = x, in
	}
	return to, t.x.Plan().Exists(to.Context, to.Exten, dialplan.Caller{Number: by.Snapshot().Caller.Number, At: time.Now()})
}

// transfer is what a phone's REFER does: the other party goes to an extension of
// the dialplan, else where the built-in routing knows the target (rule D12).
func (t *talk) transfer(by, other *pbx.Channel, target string) ending {
	if to, ok := t.place(by, target); ok {
		return t.send(by, other, to)
	}
	t.x.Machine().Switch().BlindTransfer(by, other, target)
	return moved
}

// send lets the other party go on at a place, and hangs up who has sent it.
func (t *talk) send(by, other *pbx.Channel, to run.Position) ending {
	_ = other.SetVariable("BLINDTRANSFER", by.Name()) // Asterisk: bridge.c; ErrGone is seen next
	if other == t.a {
		t.x.Goto(to)
	} else if err := other.Run(t.x.Machine().Handler(to)); err != nil {
		return calledLeft
	}
	by.Hangup(cause.NormalClearing)
	return moved
}
