package pbx

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// errNotConfirmed ends an attempt whose leg A answered but did not press 1.
var errNotConfirmed = errors.New("press 1 was not given")

// confirm asks A to press 1 and returns nil when it has: what has answered may be a mailbox.
// The prompt is played Prompts times with PromptWait from the end of the one to the beginning
// of the next, or to the end. Any other digit changes nothing (spec: vodia 4.9). Errors:
// errNotConfirmed, errAGone, ctx's cause.
func (p *placement) confirm(ctx context.Context) error {
	p.emit(call.EvConfirming, "a", p.a, "")
	r, stop, err := p.a.openDigits() // one reader: a digit between two prompts counts too
	if err != nil {
		return goneA(err)
	}
	defer stop()
	t := p.at.Request.Then
	for range cmp.Or(t.Prompts, p.e.o.Prompts) {
		switch yes, err := p.askOnce(ctx, r, pressPrompt(t.Prompt), cmp.Or(t.PromptWait, p.e.o.Confirm)); {
		case err != nil:
			return goneA(err)
		case yes:
			return nil
		}
	}
	return errNotConfirmed
}

// pressPrompt is the media URI of the prompt that a request asks for.
func pressPrompt(name string) string {
	switch {
	case name == "":
		return PromptPress1
	case !hasScheme(name):
		return "sound:" + name
	}
	return name
}

// askOnce plays the prompt and says whether 1 was pressed until wait after its end. A prompt
// that cannot be played, or heard, is waited after all the same: digits come without it.
func (p *placement) askOnce(ctx context.Context, r *digitReader, prompt string, wait time.Duration) (bool, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var ended <-chan struct{}
	switch play, err := p.a.Play(PlayOptions{Media: []string{prompt}}); {
	case err == nil:
		defer play.Stop()
		ended = play.Done()
		timer.Stop() // runs from the end of the prompt
	case !errors.Is(err, ErrNoMedia):
		return false, err
	}
	for {
		select {
		case d := <-r.ch:
			if d == '1' {
				return true, nil
			}
		case <-ended:
			ended = nil
			timer.Reset(wait)
		case <-timer.C:
			return false, nil
		case <-p.a.ctx.Done():
			return false, ErrGone
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// goneA tells the end of leg A from other errors.
func goneA(err error) error {
	if errors.Is(err, ErrGone) {
		return errAGone
	}
	return err
}
