package ua

import "time"

// item is one thing to do with the mutex released. Events never run on the
// goroutine of a method's caller, who may hold locks that the handler wants.
type item struct {
	run   func()
	event bool
}

// timer is a time.AfterFunc whose function runs under the call's mutex, and
// never after stop.
type timer struct {
	t   *time.Timer
	gen uint64
}

// arm (re)starts t. The mutex is held.
func (c *Call) arm(t *timer, d time.Duration, f func()) {
	t.stop()
	gen := t.gen
	t.t = time.AfterFunc(d, func() {
		defer c.a.recovered("timer", c)
		c.mu.Lock()
		defer c.unlock()
		if t.gen == gen {
			t.t = nil
			f()
		}
	})
}

func (t *timer) stop() {
	t.gen++
	if t.t != nil {
		t.t.Stop()
		t.t = nil
	}
}

// do queues something to do. The mutex is held.
func (c *Call) do(f func()) { c.queue = append(c.queue, item{run: f}) }

// emit queues an event. The mutex is held.
func (c *Call) emit(e Event) { c.notify(func(h func(Event)) { h(e) }) }

// notify queues a call to user code. The mutex is held.
func (c *Call) notify(f func(h func(Event))) {
	c.queue = append(c.queue, item{event: true, run: func() {
		c.mu.Lock()
		h := c.handler
		c.mu.Unlock()
		if h == nil {
			h = func(Event) {}
		}
		f(h)
	}})
}

// later queues user code that is not the event handler (done callbacks).
func (c *Call) later(f func()) {
	if f != nil {
		c.queue = append(c.queue, item{event: true, run: f})
	}
}

// unlock releases the mutex and carries out the queue on this goroutine,
// which is one of the network, a timer, or our own.
func (c *Call) unlock() {
	run := c.claim()
	c.mu.Unlock()
	if run {
		c.drain(false)
	}
}

// unlockAPI is unlock for methods that users call: messages go out at once,
// events are left to another goroutine.
func (c *Call) unlockAPI() {
	run := c.claim()
	c.mu.Unlock()
	if run {
		c.drain(true)
	}
}

func (c *Call) claim() bool {
	if c.running || len(c.queue) == 0 {
		return false
	}
	c.running = true
	return true
}

func (c *Call) drain(api bool) {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.queue, c.running = nil, false
			c.mu.Unlock()
			return
		}
		next := c.queue[0]
		if api && next.event {
			c.mu.Unlock()
			if !c.a.spawn(func() { c.drain(false) }) {
				c.drain(false) // stopping: nobody else is left to do it
			}
			return
		}
		c.queue = c.queue[1:]
		c.mu.Unlock()
		c.perform(next.run)
	}
}

func (c *Call) perform(f func()) {
	defer c.a.recovered("callback", c)
	f()
}
