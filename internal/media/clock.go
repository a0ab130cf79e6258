package media

import (
	"sync"
	"sync/atomic"
	"time"
)

// The wheel turns in ticks; a client is called every k ticks. 24 slots of
// 5 ms carry 10, 20, 30, 40 and 60 ms packets; with 20 ms there are the four
// phases of design-engine.md §3.6, so that 1,000 prompts do not all send in
// the same instant.
const (
	clockTick   = 5 * time.Millisecond
	clockSlots  = 24
	slowTick    = 100 * time.Millisecond // RTCP and timeouts
	slowSlots   = 50
	catchUp     = 40 * time.Millisecond // lateness that is made good; more is skipped, because a burst would only fill the listeners' jitter buffers
	defaultTime = 20                    // ms of audio per packet when nothing else was agreed
)

// ticker is called by a wheel, never by two goroutines at once for one client
// of one entry. It must not block.
type ticker interface{ tick(now time.Time) }

// clock is the shared media clock: some wheels, one goroutine each, instead
// of one timer per stream (4,000 time.Tickers were up to 249 ms late,
// design-engine.md §3.6).
type clock struct {
	wheels []*wheel
	tick   time.Duration
	slots  int

	mu   sync.Mutex
	load [][]int // clients per wheel and slot; guarded by mu
}

func newClock(workers int, tick time.Duration, slots int, failed func(any)) *clock {
	c := &clock{tick: tick, slots: slots}
	for range workers {
		c.wheels = append(c.wheels, newWheel(tick, slots, failed))
		c.load = append(c.load, make([]int, slots))
	}
	return c
}

// run turns the wheels until stop is closed; wg counts their goroutines.
func (c *clock) run(wg *sync.WaitGroup, stop <-chan struct{}) {
	for _, w := range c.wheels {
		wg.Go(func() { w.run(stop) })
	}
}

// clients is the number of entries that turn.
func (c *clock) clients() int {
	n := 0
	for _, w := range c.wheels {
		n += int(w.clients.Load())
	}
	return n
}

// clockEntry is a client's place on the clock.
type clockEntry struct {
	c      *clock
	wheel  int
	first  int // slot
	period int // slots
	client ticker
	gone   atomic.Bool

	at int // place in its list; the wheel's alone
}

// add calls t every period, which is rounded to what the wheel can do, on
// the least loaded wheel and phase.
func (c *clock) add(t ticker, period time.Duration) *clockEntry {
	k := int(period / c.tick)
	if k <= 0 || c.slots%k != 0 {
		k = min(int(defaultTime*time.Millisecond/c.tick), c.slots)
		if k <= 0 {
			k = c.slots
		}
	}
	c.mu.Lock()
	e := &clockEntry{c: c, client: t, period: k}
	best := -1
	for w := range c.wheels {
		for s := range k {
			if n := c.load[w][s]; best < 0 || n < best {
				best, e.wheel, e.first = n, w, s
			}
		}
	}
	for s := e.first; s < c.slots; s += k {
		c.load[e.wheel][s]++
	}
	c.mu.Unlock()
	c.wheels[e.wheel].insert(e)
	return e
}

// remove takes the client off; one last call may still be running when it
// returns. Removing twice is harmless.
func (e *clockEntry) remove() {
	if e == nil || e.gone.Swap(true) {
		return
	}
	e.c.mu.Lock()
	for s := e.first; s < e.c.slots; s += e.period {
		e.c.load[e.wheel][s]--
	}
	e.c.mu.Unlock()
	e.c.wheels[e.wheel].delete(e)
}

// wheel is one worker. Its lists belong to the goroutine that turns it, which takes no
// lock while it serves: clients that come and go wait for the next tick. (Lists that
// are copied by whoever changes them were a third of what a call allocates when a
// thousand are up.)
type wheel struct {
	tick    time.Duration
	clients atomic.Int64
	failed  func(v any)   // a client panicked and was taken off
	wake    chan struct{} // the first client came

	mu      sync.Mutex
	changes []*clockEntry // come, or, if they are gone, to be taken off; guarded by mu

	lists [][][]*clockEntry // by period and first slot
	spare []*clockEntry     // changes of the tick before
}

func newWheel(tick time.Duration, slots int, failed func(any)) *wheel {
	return &wheel{tick: tick, failed: failed, wake: make(chan struct{}, 1), lists: make([][][]*clockEntry, slots+1)}
}

func (w *wheel) insert(e *clockEntry) {
	e.at = -1
	w.change(e)
	if w.clients.Add(1) == 1 {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

func (w *wheel) delete(e *clockEntry) {
	w.change(e)
	w.clients.Add(-1)
}

func (w *wheel) change(e *clockEntry) {
	w.mu.Lock()
	w.changes = append(w.changes, e)
	w.mu.Unlock()
}

// settle carries out what has changed since the last tick. The last of a list takes the
// place of one that goes.
func (w *wheel) settle() {
	w.mu.Lock()
	changes := w.changes
	w.changes = w.spare[:0]
	w.mu.Unlock()
	for _, e := range changes {
		if w.lists[e.period] == nil {
			w.lists[e.period] = make([][]*clockEntry, e.period)
		}
		list := &w.lists[e.period][e.first]
		switch {
		case !e.gone.Load():
			e.at = len(*list)
			*list = append(*list, e)
		case e.at >= 0:
			last := len(*list) - 1
			(*list)[e.at] = (*list)[last]
			(*list)[e.at].at = e.at
			(*list)[last] = nil
			*list, e.at = (*list)[:last], -1
		}
	}
	clear(changes)
	w.spare = changes
}

// run sleeps without a timer while the wheel is empty.
func (w *wheel) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-w.wake:
		}
		if !w.turn(stop) {
			return
		}
	}
}

// turn serves clients until the wheel is empty (true) or stop closes (false).
func (w *wheel) turn(stop <-chan struct{}) bool {
	next := time.Now().Add(w.tick)
	timer := time.NewTimer(w.tick)
	defer timer.Stop()
	for slot := 0; w.clients.Load() > 0; {
		select {
		case <-stop:
			return false
		case <-timer.C:
		}
		now := time.Now()
		if missed := int(now.Sub(next) / w.tick); now.Sub(next) > max(catchUp, w.tick) {
			next = next.Add(time.Duration(missed) * w.tick)
			slot += missed
		}
		for ; !next.After(now); next = next.Add(w.tick) {
			w.serve(slot, now)
			slot++
		}
		timer.Reset(time.Until(next))
	}
	w.settle() // keep nothing of those who have gone
	return true
}

func (w *wheel) serve(slot int, now time.Time) {
	w.settle()
	for period, lists := range w.lists {
		if lists == nil {
			continue
		}
		for _, e := range lists[slot%period] {
			if !e.gone.Load() {
				w.call(e, now)
			}
		}
	}
}

// call keeps a mistake in one stream from stopping all others.
func (w *wheel) call(e *clockEntry, now time.Time) {
	defer func() {
		if v := recover(); v != nil {
			e.remove()
			w.failed(v)
		}
	}()
	e.client.tick(now)
}
