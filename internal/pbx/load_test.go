package pbx_test

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/pbx"
)

// After 5,000 calls, 50 at a time, with every kind of end, no goroutine and no
// channel is left.
func TestRule3_4_NothingIsLeftAfter5000Calls(t *testing.T) {
	before := runtime.NumGoroutine()
	s, phones := setup(t, pbx.Options{})
	e := pbx.NewEngine(s)
	ends := []string{"200?talk=1ms", "200486", "200404", "200180?ring=1ms&talk=1ms", "200183?ring=1ms&talk=1ms", "unknown"}
	work := make(chan int)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for i := range work {
				at := attempt("Pretend/100?talk=50ms", "Pretend/"+ends[i%len(ends)])
				if out, err := e.Place(t.Context(), at, func(call.Event) {}); err != nil || out.Disposition == "" {
					t.Errorf("call %d: %+v, %v", i, out, err)
				}
			}
		})
	}
	for i := range 5000 {
		work <- i
	}
	close(work)
	wg.Wait()
	stop(t, s)
	live, most, _ := phones.Stats()
	if live != 0 || most > 100 {
		t.Errorf("%d legs are up, %d were at most", live, most)
	}
	for deadline := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
		if n := runtime.NumGoroutine(); n <= before {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before the calls", n, before)
		}
	}
}

// cpu gives the processor time of the process so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// atOnce runs f many times, 32 at a time, and reports the processor time of
// each. One after the other, calls would mostly wait for timers.
func atOnce(b *testing.B, f func()) {
	b.ReportAllocs()
	b.SetParallelism(16)
	b.ResetTimer()
	before := cpu(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f()
		}
	})
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/1000, "cpu-us/op")
}

// One two-leg call from the request to its outcome.
func BenchmarkPlace(b *testing.B) {
	s, _ := setup(b, pbx.Options{})
	defer stop(b, s)
	e := pbx.NewEngine(s)
	at := attempt("Pretend/100", "Pretend/200?talk=1ns")
	atOnce(b, func() {
		if out, err := e.Place(b.Context(), at, func(call.Event) {}); err != nil || out.Disposition != call.Answered {
			b.Error(out, err)
		}
	})
}

// One leg: originate, answer, hang up.
func BenchmarkOriginate(b *testing.B) {
	s, _ := setup(b, pbx.Options{})
	defer stop(b, s)
	atOnce(b, func() {
		c, err := s.Originate(b.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{Endpoint: "Pretend/100?talk=1ns"}})
		if err != nil {
			b.Error(err)
			return
		}
		<-c.Gone()
	})
}

// What an answered channel costs while nothing happens to it.
func BenchmarkIdleChannel(b *testing.B) {
	s, _ := setup(b, pbx.Options{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	n := 0
	for b.Loop() {
		n++
		if _, err := s.Originate(b.Context(), pbx.OriginateOptions{CreateOptions: pbx.CreateOptions{
			Endpoint: call.Endpoint(fmt.Sprintf("Pretend/%d5", n)),
		}}); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapInuse-before.HeapInuse)/float64(n), "heap-B/channel")
	b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/float64(n), "goroutines/channel")
	stop(b, s)
}

// The list that ARI's GET /channels and every resynchronisation is made of.
func BenchmarkChannels5000(b *testing.B) {
	s, _ := setup(b, pbx.Options{})
	defer stop(b, s)
	for range 5000 {
		if _, err := s.Create(b.Context(), pbx.CreateOptions{Endpoint: "Pretend/100"}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if n := len(s.Channels()); n != 5000 {
			b.Fatalf("%d channels", n)
		}
	}
}

// Create, bridge, dial, hang up: what a remote application's call is made of.
func BenchmarkCreateBridgeDial(b *testing.B) {
	s, _ := setup(b, pbx.Options{})
	defer stop(b, s)
	atOnce(b, func() {
		br, err := s.NewBridge(pbx.BridgeOptions{Class: "stasis"})
		if err != nil {
			b.Error(err)
			return
		}
		var legs [2]*pbx.Channel
		for i := range legs {
			if legs[i], err = s.Create(b.Context(), pbx.CreateOptions{Endpoint: "Pretend/100"}); err != nil {
				b.Error(err)
				return
			}
			err = br.Add(legs[i], pbx.AddOptions{})
			if err == nil {
				err = legs[i].Dial(pbx.DialOptions{Caller: legs[0]})
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
		for _, c := range legs {
			c.HangupFromOutside(0)
			<-c.Gone()
		}
		br.Destroy()
	})
}
