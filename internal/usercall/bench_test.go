package usercall_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/pretend"
	"github.com/dialwright/dialwright/internal/usercall"
)

// crowd is a switch with n calls of two phones each, and a table that has seen them.
func crowd(t testing.TB, n int) (*usercall.Table, []*pbx.Channel) {
	t.Helper()
	sw := pbx.New(pbx.Options{Linger: -1})
	sw.Register(pretend.New(pretend.Options{}))
	table := usercall.New(usercall.Options{Switch: sw})
	if err := table.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := make(chan struct{}, 1)
	defer table.Watch("", func() { ring(seen) })()
	make := func(phone string, b *pbx.Bridge) *pbx.Channel {
		c, err := sw.Originate(t.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: call.Endpoint("Pretend/" + phone)}})
		if err == nil {
			err = b.Add(c, pbx.AddOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var first []*pbx.Channel
	for i := range n {
		b, err := sw.NewBridge(pbx.BridgeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		first = append(first, make(fmt.Sprint("1", 10000+i, "a"), b))
		make(fmt.Sprint("2", 10000+i, "b"), b)
	}
	for !talking(table, 2*n) {
		<-seen
	}
	t.Cleanup(func() {
		ctx, cancel := withPatience()
		defer cancel()
		if err := sw.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := table.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return table, first
}

func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// talking says whether there are n calls, and all of them are connected.
func talking(table *usercall.Table, n int) bool {
	list := table.Of("")
	for _, c := range list {
		if c.State != usercall.Connected {
			return false
		}
	}
	return len(list) == n
}

// What one change of one call costs while there are others: the same, however many.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{10, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			table, channels := crowd(b, n)
			c := channels[n/2]
			phone, told := c.Snapshot().Phone, make(chan struct{}, 1)
			defer table.Watch(phone, func() { ring(told) })()
			want := usercall.Connected
			for b.Loop() {
				if want == usercall.Connected {
					want = usercall.Holding
				} else {
					want = usercall.Connected
				}
				if err := c.HoldOther(want == usercall.Holding); err != nil {
					b.Fatal(err)
				}
				for table.Of(phone)[0].State != want {
					<-told
				}
			}
		})
	}
}

// What it costs to ask for the calls of one phone among 10,000.
func BenchmarkOf(b *testing.B) {
	table, channels := crowd(b, 5000)
	phone := channels[2500].Snapshot().Phone
	for b.Loop() {
		if len(table.Of(phone)) != 1 {
			b.Fatal("no call")
		}
	}
}

// How long it takes until the table has seen 5,000 calls begin, be answered and end: the
// switch's own part is in it.
func BenchmarkCrowd(b *testing.B) {
	for b.Loop() {
		table, channels := crowd(b, 5000)
		gone := make(chan struct{}, 1)
		stop := table.Watch("", func() { ring(gone) })
		for _, c := range channels {
			c.Opposite().Hangup(16)
			c.Hangup(16)
		}
		for len(table.Of("")) > 0 {
			<-gone
		}
		stop()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/5000, "µs/call")
}

// What the table holds for a call, beside what the switch has anyway: a second table sees the
// same 10,000 calls of 10,000 phones.
func BenchmarkMemory(b *testing.B) {
	const n = 5000
	_, channels := crowd(b, n)
	sw := channels[0].Switch()
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for b.Loop() {
		before := heap()
		table := usercall.New(usercall.Options{Switch: sw})
		seen := make(chan struct{}, 1)
		stop := table.Watch("", func() { ring(seen) })
		if err := table.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		for !talking(table, 2*n) {
			<-seen
		}
		stop()
		b.ReportMetric(float64(heap()-before)/(2*n), "B/call")
		if err := table.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// With 5,000 calls a change still is found without looking at the others: a bound that a
// scan of all channels for each event does not keep by far.
func TestManyCalls(t *testing.T) {
	n := 5000
	if testing.Short() {
		n = 500
	}
	table, channels := crowd(t, n)
	told := make(chan struct{}, 1)
	defer table.Watch(channels[0].Snapshot().Phone, func() { ring(told) })()
	if err := channels[0].HoldOther(true); err != nil {
		t.Fatal(err)
	}
	<-told
	if got := states(table.Of(channels[0].Snapshot().Phone)); got != "holding" {
		t.Errorf("%q", got)
	}
	if got := states(table.Of(channels[0].Opposite().Snapshot().Phone)); got != "onhold" {
		t.Errorf("%q", got)
	}
}
