package funcs

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

func TestVariables(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[globals]\nGG=1\n[t]\n", nil)
	d.want([][2]string{
		{"!CH", "2"}, {"!E", ""},
		{"${GLOBAL(GG)} ${GLOBAL_EXISTS(GG)} ${GLOBAL_EXISTS(NO)} [${GLOBAL(NO)}]", "1 1 0 []"},
		{"${VARIABLE_EXISTS(CH)}${VARIABLE_EXISTS(GG)}${VARIABLE_EXISTS(E)}${VARIABLE_EXISTS(EXTEN)}${VARIABLE_EXISTS()}", "11100"},
		{"!GG", "x"}, {"${GLOBAL(GG)} ${GG}", "1 x"},
		{"!DELETE(GG)", ""}, {"${GG}", "1"},
		{"!DELETE(CH)", ""}, {"[${CH}] ${VARIABLE_EXISTS(CH)}", "[] 0"},
		{"!GLOBAL(NEW)", "n"}, {"${NEW} ${GLOBAL(NEW)}", "n n"},
	}...)
	d.refuses("GLOBAL()", "x")
	d.refuses("DELETE()", "")
}

// TestLocal sees each Gosub's own variables.
func TestLocal(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\nexten => s,1,NoOp()\n", nil)
	ctx := t.Context()
	d.refuses("LOCAL(V)", "1")
	d.want([2]string{"!V", "out"}, [2]string{"[${LOCAL(V)}] ${LOCAL_PEEK(0,V)} [${LOCAL_PEEK(1,V)}]", "[] out []"})
	into := run.Position{Context: "t", Exten: "s", Priority: 1}
	for _, v := range []string{"one", "two"} {
		if err := d.x.Gosub(ctx, into, []string{"arg-" + v}); err != nil {
			t.Fatal(err)
		}
		d.want([2]string{"[${LOCAL(V)}]", "[]"}, [2]string{"!LOCAL(V)", v}, [2]string{"${LOCAL(V)} ${V} ${ARG1}", v + " " + v + " arg-" + v})
	}
	d.want([2]string{"${LOCAL_PEEK(0,V)} ${LOCAL_PEEK(1,V)} ${LOCAL_PEEK(2,V)} [${LOCAL_PEEK(3,V)}] [${LOCAL_PEEK(2,ARG1)}]", "two one out [] []"})
	for _, v := range []string{"one", "out"} {
		if err := d.x.Return(ctx, ""); err != nil {
			t.Fatal(err)
		}
		d.want([2]string{"${V}", v})
	}
	d.warns("${LOCAL_PEEK(V)}", "${LOCAL_PEEK(x,V)}", "${LOCAL_PEEK(-1,V)}")
	d.refuses("LOCAL()", "1")
}

// TestShared reads and writes variables of another channel.
func TestShared(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	other := d.incoming("56", d.x.Channel().ID())
	o := d.m.Exec(other)
	name := d.x.Channel().Name()
	d.want([][2]string{
		{"!SHARED(v)", "5"},
		{"${SHARED(v)} [${v}] [${SHARED(no)}] ${SHARED(v," + name + ")} [${SHARED(v," + other.Name() + ")}]", "5 [] [] 5 []"},
		{"!SHARED(v," + other.Name() + ")", "6"},
	}...)
	if got := o.Expand(t.Context(), "${SHARED(v)} ${SHARED(v,"+name+")}"); got != "6 5" {
		t.Errorf("the other channel sees %q", got)
	}
	d.want([2]string{"!SHARED(v)", ""}, [2]string{"[${SHARED(v)}]", "[]"})
	d.warns("${SHARED(v,Nope/1)}", "${SHARED()}")
	d.refuses("SHARED(v,Nope/1)", "x")

	o.Set(t.Context(), "MASTER_CHANNEL(mv)", "3")
	d.want([2]string{"${mv} ${MASTER_CHANNEL(mv)}", "3 3"})
	if got := o.Expand(t.Context(), "[${mv}] ${MASTER_CHANNEL(mv)} ${MASTER_CHANNEL(CHANNEL(name))}"); got != "[] 3 "+name {
		t.Errorf("the other channel sees %q", got)
	}
	d.x.Channel().Hangup(cause.NormalClearing)
	<-d.x.Channel().Destroyed().Done()
	o.Set(t.Context(), "MASTER_CHANNEL(mv)", "own")
	if got := o.Expand(t.Context(), "${mv}"); got != "own" {
		t.Errorf("without a master it is its own: %q", got)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\nexten => s,1,NoOp()\n same => n(lab),NoOp()\n", nil)
	d.want([][2]string{
		{"${DIALPLAN_EXISTS(t)}${DIALPLAN_EXISTS(t,s)}${DIALPLAN_EXISTS(t,s,1)}${DIALPLAN_EXISTS(t,s,9)}${DIALPLAN_EXISTS(t,x)}", "11100"},
		{"${DIALPLAN_EXISTS(no)}${DIALPLAN_EXISTS(,s)}${DIALPLAN_EXISTS(t,s,lab)}${DIALPLAN_EXISTS(t,s,nolab)}${DIALPLAN_EXISTS(,,1)}", "00100"},
		{"${VALID_EXTEN(t,s,1)}${VALID_EXTEN(t,s)}${VALID_EXTEN(t,s,9)}${VALID_EXTEN(t,x)}${VALID_EXTEN(t,s,lab)}${VALID_EXTEN(,s)}", "110000"},
	}...)
	d.warns("${DIALPLAN_EXISTS()}", "${VALID_EXTEN()}", "${VALID_EXTEN(s)}")
}

// TestException is told in extension e only.
func TestException(t *testing.T) {
	t.Parallel()
	var seen string
	d := newDesk(t, "[t]\nexten => s,1,Look()\nexten => s,2,Raise()\nexten => e,1,Look()\n", func(o *run.Options) {
		o.Apps = []run.App{
			{Name: "Look", Run: func(ctx context.Context, x *run.Exec, _ string) error {
				seen += x.Expand(ctx, "[${EXCEPTION(reason)} ${EXCEPTION(CONTEXT)} ${EXCEPTION(exten)} ${EXCEPTION(priority)} ${VALID_EXTEN(,e)}]")
				return nil
			}},
			{Name: "Raise", Run: func(_ context.Context, x *run.Exec, _ string) error { return x.Raise("MINE") }},
		}
	})
	done := make(chan struct{})
	l := &line{}
	c, err := d.m.Switch().Incoming(l, pbx.IncomingOptions{Endpoint: "57", Handler: pbx.HandlerFunc(func(ctx context.Context, c *pbx.Channel) {
		defer close(done)
		d.m.Handler(run.Position{Context: "t"}).Handle(ctx, c)
	})})
	if err != nil {
		t.Fatal(err)
	}
	l.deliver(c.Deliver)
	<-done
	if want := "[    1][MINE t s 2 1]"; seen != want {
		t.Errorf("seen %q, want %q", seen, want)
	}
}

// TestLocks takes locks on two channels in fake time.
func TestLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "[t]\n", nil)
		o := d.m.Exec(d.incoming("56", ""))
		other := func(text string) string { return o.Expand(t.Context(), text) }
		d.want([2]string{"${LOCK(a)} ${TRYLOCK(a)} ${TRYLOCK(b)} ${UNLOCK(a)} ${UNLOCK(none)} ${LOCK()}", "1 1 1 1 0 1"})
		begun := time.Now()
		if got := other("${TRYLOCK(a)} ${UNLOCK(a)} ${LOCK(a)}"); got != "0 0 0" || time.Since(begun) != lockWait {
			t.Errorf("the other channel gets %q after %v", got, time.Since(begun))
		}
		got := make(chan string)
		go func() { got <- other("${LOCK(a)}") }()
		synctest.Wait()
		d.want([2]string{"${UNLOCK(a)} ${UNLOCK(a)}", "1 0"})
		if v := <-got; v != "1" {
			t.Errorf("a lock that was given back in time gives %q", v)
		}
		go func() { got <- d.expand("${LOCK(a)}") }()
		synctest.Wait()
		o.Channel().Hangup(cause.NormalClearing) // its locks are free
		if v := <-got; v != "1" {
			t.Errorf("the lock of a channel that has gone gives %q", v)
		}
	})
}
