package apps

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
)

// silent gives a session on an answered channel, and what ends its switch.
func silent(t *testing.T) (s *agiSession, stop func()) {
	t.Helper()
	sw := pbx.New(pbx.Options{Linger: -1})
	sw.Register(pretend.New(pretend.Options{}))
	m := run.New(run.Options{Switch: sw})
	c, err := sw.Originate(t.Context(), pbx.OriginateOptions{
		CreateOptions: pbx.CreateOptions{Endpoint: "Pretend/100"}, Handler: pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() }),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &agiSession{x: m.Exec(c), c: c}, func() {
		if err := sw.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A program that is silent for ever holds its channel for agiGrace and no longer.
func TestAGIGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := silent(t)
		defer stop()
		told := 0
		begun := time.Now()
		time.AfterFunc(time.Minute, func() { s.c.Hangup(cause.NormalClearing) })
		err := s.serve(s.c.Context(), make(chan agiCommand), func() { told++ })
		if !errors.Is(err, errAGIGrace) || told != 1 {
			t.Errorf("served to %v, told %d times; want the grace to run out, once", err, told)
		}
		if took := time.Since(begun); took != time.Minute+agiGrace {
			t.Errorf("it took %v, want %v", took, time.Minute+agiGrace)
		}
	})
}

func TestAGIExitOnHangup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := silent(t)
		defer stop()
		s.x.Set(t.Context(), "AGIEXITONHANGUP", "yes")
		time.AfterFunc(time.Minute, func() { s.c.Hangup(cause.NormalClearing) })
		begun := time.Now()
		err := s.serve(s.c.Context(), make(chan agiCommand), func() { t.Error("the program is told") })
		if !errors.Is(err, pbx.ErrGone) || time.Since(begun) != time.Minute {
			t.Errorf("served to %v in %v", err, time.Since(begun))
		}
	})
}

// The reader gives lines without their ends, and says when one is too long.
func TestReadAGI(t *testing.T) {
	r, w := io.Pipe()
	stop := make(chan struct{})
	commands, broken := readAGI(r, nil, stop)
	go func() {
		_, _ = io.WriteString(w, "one\r\ntwo\n\nlast")
		_ = w.Close()
	}()
	for _, want := range []string{"one", "two", "", "last"} {
		if got := <-commands; got.line != want {
			t.Errorf("line %q, want %q", got.line, want)
		}
	}
	if _, more := <-commands; more || broken() != nil {
		t.Errorf("after the end: more %v, %v", more, broken())
	}
	close(stop)

	r, w = io.Pipe()
	stop = make(chan struct{})
	commands, broken = readAGI(r, nil, stop)
	go func() {
		_, _ = w.Write(make([]byte, agiLine+1))
		_ = w.Close()
	}()
	if _, more := <-commands; more || broken() == nil {
		t.Errorf("a long line: more %v, %v; want an error", more, broken())
	}
	_ = r.Close()
	close(stop)
}
