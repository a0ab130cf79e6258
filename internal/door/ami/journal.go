package ami

import (
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// journal holds the latest events as they are written, once for all sessions.
//
//	bus ─► pending ─► translate ─► record ─► ring ◄── reader: its cursor, mask and filters
//
// It is bounded by events and by bytes: what is too much pushes out the oldest. A reader is
// behind when an event of a class that it reads has been pushed out before it came to it,
// and is told so. Readers that wait are woken when there is something of their classes, all
// together and not for each event: the more there are, the longer events are collected.
type journal struct {
	translate func(*pbx.Event) []happened
	config    func() *Config

	wanted  atomic.Int32 // readers whose mask is not empty
	inMu    sync.Mutex   // guards pending and spilled; taken with the bus locked
	pending []*pbx.Event
	spilled bool // pending was full, events are lost
	bell    chan struct{}

	block   []byte // where the next text goes, of the journal's goroutine alone
	written atomic.Uint64

	mu      sync.RWMutex // guards what follows, and the readers' fields
	ring    []record     // seq modulo its length; its length is a power of two
	first   uint64       // sequence number of the oldest
	next    uint64       // of the one that comes
	bytes   int
	gone    [32]uint64 // of each class: the number after the last one pushed out
	readers map[*reader]struct{}
}

// record is an event as sessions get it.
type record struct {
	class wire.Class
	name  string
	text  []byte // with its empty line; part of a block, where the next one often follows
}

const (
	blockSize   = 64 << 10
	maxPending  = 1 << 17 // events of the bus
	batchEvents = 1024    // published together, and taken together
	wakeCost    = 100 * time.Microsecond

	defaultQueue     = 10_000
	defaultQueueSize = 8 << 20
)

func newJournal(translate func(*pbx.Event) []happened, config func() *Config) *journal {
	return &journal{
		translate: translate, config: config, bell: make(chan struct{}, 1), ring: make([]record, 1024), readers: make(map[*reader]struct{}),
	}
}

// observe notes an event; the bus is locked.
func (j *journal) observe(e *pbx.Event) {
	if j.wanted.Load() == 0 {
		return
	}
	j.inMu.Lock()
	if len(j.pending) < maxPending {
		j.pending = append(j.pending, e)
	} else {
		j.spilled = true
	}
	j.inMu.Unlock()
	ring(j.bell)
}

// ring puts a token into a bell, unless it has one.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// run writes what happens until done is closed, and then what has happened until then.
func (j *journal) run(done <-chan struct{}) {
	for {
		select {
		case <-j.bell:
		case <-done:
			j.write()
			return
		}
		j.write()
		pause := time.NewTimer(min(wakeCost*time.Duration(j.count()), 20*time.Millisecond))
		select {
		case <-pause.C:
		case <-done:
		}
		pause.Stop()
	}
}

func (j *journal) count() int {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return len(j.readers)
}

// write translates and publishes what is pending.
func (j *journal) write() {
	j.inMu.Lock()
	events, spilled := j.pending, j.spilled
	j.pending, j.spilled = nil, false
	j.inMu.Unlock()
	disabled := j.config().DisabledEvents
	batch := make([]record, 0, min(len(events), batchEvents)+8)
	for _, e := range events {
		for _, h := range j.translate(e) {
			if r := j.encode(h); !slices.ContainsFunc(disabled, func(name string) bool { return strings.EqualFold(name, r.name) }) {
				batch = append(batch, r)
			}
		}
		if len(batch) >= batchEvents {
			j.publish(batch)
			batch = batch[:0]
		}
	}
	if len(batch) > 0 {
		j.publish(batch)
	}
	if spilled {
		j.spill()
	}
}

// encode writes an event behind the one before it.
func (j *journal) encode(h happened) record {
	begin := len(j.block)
	text := h.m.Append(j.block)
	if cap(text) != cap(j.block) { // it has not fitted, and was moved
		text = append(make([]byte, 0, max(blockSize, len(text)-begin)), text[begin:]...)
		begin = 0
	}
	j.block = text
	name := ""
	if len(h.m.Headers) > 0 {
		name = h.m.Headers[0].Value
	}
	return record{class: h.class, name: name, text: text[begin:]}
}

// publish appends records and wakes who waits for them.
func (j *journal) publish(batch []record) {
	var classes wire.Class
	for i := range batch {
		classes |= batch[i].class
	}
	c := j.config()
	events, size := limits(c)
	j.mu.Lock()
	for i := range batch {
		j.append(batch[i], events, size)
	}
	var behind []func()
	for r := range j.readers {
		switch {
		case r.waiting && r.mask&classes == 0:
			r.cursor = j.next
		case r.waiting:
			r.waiting = false
			ring(r.bell)
		case r.behind != nil && j.lost(r):
			behind = append(behind, r.behind)
			r.behind = nil
		}
	}
	j.mu.Unlock()
	j.written.Add(uint64(len(batch)))
	for _, f := range behind {
		f()
	}
}

func limits(c *Config) (events, size int) {
	events, size = c.EventQueue, c.EventQueueSize
	if events <= 0 {
		events = defaultQueue
	}
	if size <= 0 {
		size = defaultQueueSize
	}
	return events, size
}

// append adds a record and pushes out the oldest that are too many; j.mu is held.
func (j *journal) append(r record, events, size int) {
	for j.next > j.first && (int(j.next-j.first) >= events || j.bytes+len(r.text) > size) {
		j.push()
	}
	if int(j.next-j.first) == len(j.ring) {
		bigger := make([]record, 2*len(j.ring))
		for s := j.first; s < j.next; s++ {
			bigger[s&uint64(len(bigger)-1)] = *j.at(s)
		}
		j.ring = bigger
	}
	*j.at(j.next) = r
	j.next++
	j.bytes += len(r.text)
}

func (j *journal) at(seq uint64) *record { return &j.ring[seq&uint64(len(j.ring)-1)] }

// push drops the oldest record; j.mu is held.
func (j *journal) push() {
	r := j.at(j.first)
	j.first++
	j.bytes -= len(r.text)
	for c := uint32(r.class); c != 0; c &= c - 1 {
		j.gone[bits.TrailingZeros32(c)] = j.first
	}
	*r = record{}
}

// spill makes everybody who reads anything be behind: events were lost before they were
// written.
func (j *journal) spill() {
	j.mu.Lock()
	for j.first < j.next {
		j.push()
	}
	j.first++
	j.next = j.first
	for i := range j.gone {
		j.gone[i] = j.next
	}
	var behind []func()
	for r := range j.readers {
		if r.behind != nil && j.lost(r) {
			behind = append(behind, r.behind)
			r.behind = nil
		}
	}
	j.mu.Unlock()
	for _, f := range behind {
		f()
	}
}

// lost says whether events have been pushed out that a reader should have got; j.mu is
// held for reading at least.
func (j *journal) lost(r *reader) bool {
	if r.cursor >= j.first {
		return false
	}
	for c := uint32(r.mask); c != 0; c &= c - 1 {
		if j.gone[bits.TrailingZeros32(c)] > r.cursor {
			return true
		}
	}
	return false
}
