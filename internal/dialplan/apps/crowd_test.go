package apps_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/local"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
)

// dialsTold is what the events say about the dials of a switch.
type dialsTold struct {
	mu    sync.Mutex
	open  map[string]int // begun, and not ended, by the id of the channel that is dialled
	wrong []string
}

func (d *dialsTold) see(e *pbx.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case e.Type == pbx.Dial && e.DialStatus == "":
		if d.open[e.Peer.ID]++; d.open[e.Peer.ID] > 1 {
			d.wrong = append(d.wrong, e.Peer.Name+" is dialled twice")
		}
	case e.Type == pbx.Dial:
		switch e.DialStatus {
		case "PROCEEDING", "RINGING", "PROGRESS":
			if d.open[e.Peer.ID] != 1 {
				d.wrong = append(d.wrong, fmt.Sprintf("%s: %s of a dial that is over, or has not begun", e.Peer.Name, e.DialStatus))
			}
		default:
			if d.open[e.Peer.ID]--; d.open[e.Peer.ID] != 0 {
				d.wrong = append(d.wrong, fmt.Sprintf("%s: %s of a dial that is over, or has not begun", e.Peer.Name, e.DialStatus))
			}
		}
	case e.Type == pbx.ChannelDestroyed:
		if n := d.open[e.Channel.ID]; n != 0 {
			d.wrong = append(d.wrong, fmt.Sprintf("%s has gone with %d dials that have not ended", e.Channel.Name, n))
		}
		delete(d.open, e.Channel.ID)
	}
}

// TestDialCrowd lets 200 callers at a time dial, one party or several, and hang up at any
// moment. Everybody goes, and each dial that begins is told to end, once.
func TestDialCrowd(t *testing.T) {
	t.Parallel()
	sw := pbx.New(pbx.Options{Linger: -1})
	m := run.New(run.Options{Switch: sw, Apps: apps.All(), Funcs: funcs.All()})
	sw.SetDialplan(m.Dialplan())
	sw.Register(pretend.New(pretend.Options{}))
	sw.Register(local.NewWith(sw, local.Options{Exists: m.Exists}))
	plan, problems, err := dialplan.Load(fstest.MapFS{"extensions.conf": {Data: []byte(`[t]
exten => 0,1,Dial(Pretend/1?talk=5ms)
exten => 1,1,Dial(Pretend/180?ring=10ms,,g)
exten => 2,1,Dial(Pretend/timeout?late=true)
exten => 3,1,Dial(Pretend/486&Pretend/180?ring=8ms&Pretend/2&Pretend/timeout?late=true)
exten => 4,1,Dial(Local/0@t&Local/1@t/n)
exten => 5,1,Dial(Pretend/183?ring=5ms,1)
exten => 6,1,Dial(Pretend/unknown&Pretend/offline&Pretend/302,,c)
exten => 7,1,Dial(Local/6@t)
`)}}, "extensions.conf", dialplan.LoadOptions{})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	m.SetPlan(plan)
	told := &dialsTold{open: map[string]int{}}
	defer sw.Observe(told.see)()
	for range 5 {
		var callers sync.WaitGroup
		for i := range 200 {
			callers.Go(func() {
				c, err := sw.Originate(t.Context(), pbx.OriginateOptions{
					CreateOptions: pbx.CreateOptions{Endpoint: call.Endpoint(fmt.Sprintf("Pretend/1?talk=%dus", 1+rand.IntN(20000)))},
					Handler:       m.Handler(run.Position{Context: "t", Exten: fmt.Sprint(i % 8), Priority: 1}),
				})
				if err != nil {
					t.Error(err)
					return
				}
				select {
				case <-c.Gone():
				case <-time.After(time.Minute):
					t.Errorf("%s is still there, in %v", c.Name(), c.Snapshot())
				}
			})
		}
		callers.Wait()
	}
	if err := sw.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if s := sw.Stats(); s.Channels != 0 || s.Bridges != 0 || s.Panics != 0 || s.Calls != 0 {
		t.Errorf("left: %+v", s)
	}
	for _, w := range told.wrong {
		t.Error(w)
	}
}
