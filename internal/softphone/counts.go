package softphone

import "maps"

// Counts is what a phone saw since its start or ResetCounts. The maps belong
// to the receiver.
type Counts struct {
	Invites  int            // INVITEs that came, without repetitions
	Dialled  int            // calls placed by us
	Answered int            // of both kinds
	Rejected int            // incoming calls that our rule refused
	Live     int            // calls now, in both directions, answered or not
	MaxLive  int            // most of them at once
	Ended    int            // calls that are over
	ByCallID map[string]int // INVITEs by Call-ID
	ByNumber map[string]int // INVITEs by dialled number (user of the Request-URI)
}

// Counts gives what the phone saw so far.
func (p *Phone) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.counts
	c.Live = len(p.live)
	c.ByCallID, c.ByNumber = maps.Clone(c.ByCallID), maps.Clone(c.ByNumber)
	return c
}

// ResetCounts starts to count anew. Calls that live stay counted as live.
func (p *Phone) ResetCounts() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts = newCounts()
	p.counts.MaxLive = len(p.live)
}

func newCounts() Counts {
	return Counts{ByCallID: map[string]int{}, ByNumber: map[string]int{}}
}

// began counts a call in.
func (p *Phone) began(c *Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live[c] = struct{}{}
	p.counts.MaxLive = max(p.counts.MaxLive, len(p.live))
}

// ended counts a call out, once.
func (p *Phone) ended(c *Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.live[c]; ok {
		delete(p.live, c)
		p.counts.Ended++
	}
}

// count changes the counters under the lock.
func (p *Phone) count(f func(*Counts)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.counts)
}
