package extmedia

import "sync"

// How many frames of 20 ms wait to be said, and when a program is told
// (Asterisk: chan_websocket.c QUEUE_LENGTH_MAX and its levels).
const (
	queueMost = 1000
	queueOff  = 900
	queueOn   = 800
	marksMost = 1000 // notices that wait for their turn; further ones are told at once
)

// feed is what a program has sent and the channel has not said yet.
//
//	messages of any length ──put──► whole frames, marks between them ──next, every 20 ms──► channel
type feed struct {
	frame int // octets

	mu        sync.Mutex // guards what follows; nothing is called under it
	queue     []entry
	frames    int    // of queue
	marks     int    // of queue
	rest      []byte // less than a frame, while buffering
	buffering bool
	paused    bool
	full      bool // the program was told to stop
	drained   bool // it wants to know when the queue is empty
	deaf      bool // what it sends is dropped (direction in)
	dropped   uint64
	room      chan struct{} // gets a token when a frame has been taken
}

// entry is a frame, or a notice whose time comes when all before it was said.
type entry struct {
	frame []byte
	mark  *notice
}

func newFeed(frame int) *feed { return &feed{frame: frame, room: make(chan struct{}, 1)} }

// put takes audio. What is left behind the last whole frame is kept while buffering,
// else dropped. It says whether the program has to be told to stop.
func (f *feed) put(b []byte) (xoff bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deaf {
		return false
	}
	if f.frames >= queueMost { // a message that has begun is taken whole
		f.dropped += uint64(len(b))
		return false
	}
	if f.buffering && len(f.rest) > 0 {
		n := min(f.frame-len(f.rest), len(b))
		f.rest = append(f.rest, b[:n]...)
		b = b[n:]
		if len(f.rest) < f.frame {
			return false
		}
		f.add(f.rest)
		f.rest = f.rest[:0]
	}
	for ; len(b) >= f.frame; b = b[f.frame:] {
		f.add(b[:f.frame])
	}
	if f.buffering {
		f.rest = append(f.rest[:0], b...)
	}
	return f.nowFull()
}

// pass takes a frame of any length.
func (f *feed) pass(b []byte) (xoff bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.deaf:
	case f.frames >= queueMost:
		f.dropped += uint64(len(b))
	default:
		f.add(b)
	}
	return f.nowFull()
}

func (f *feed) add(b []byte) {
	f.queue = append(f.queue, entry{frame: append([]byte(nil), b...)})
	f.frames++
}

func (f *feed) nowFull() bool {
	if f.full || f.frames < queueOff {
		return false
	}
	f.full = true
	return true
}

// next gives the frame to be said now, nil = silence, and what is to be told before it.
func (f *feed) next() (frame []byte, tell []notice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paused {
		return nil, nil
	}
	if f.full && f.frames < queueOn {
		f.full = false
		tell = append(tell, notice{event: eventXON})
	}
	for len(f.queue) > 0 && f.queue[0].mark != nil {
		tell = append(tell, *f.queue[0].mark)
		f.queue = f.queue[1:]
		f.marks--
	}
	if len(f.queue) == 0 {
		f.queue = nil // and the array with it
		if f.drained {
			f.drained = false
			tell = append(tell, notice{event: eventDrained})
		}
		return nil, tell
	}
	frame = f.queue[0].frame
	f.queue[0] = entry{}
	f.queue = f.queue[1:]
	f.frames--
	select {
	case f.room <- struct{}{}:
	default:
	}
	return frame, tell
}

// mark queues a notice; false says that too many wait already.
func (f *feed) mark(n notice) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addMark(n)
}

func (f *feed) addMark(n notice) bool {
	if f.marks >= marksMost {
		return false
	}
	f.queue = append(f.queue, entry{mark: &n})
	f.marks++
	return true
}

// startBuffering keeps what is less than a frame for the next message.
func (f *feed) startBuffering() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buffering = true
}

// stopBuffering fills up what is left with silence and tells n behind it.
func (f *feed) stopBuffering(n notice, silence []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buffering = false
	if k := len(f.rest); k > 0 {
		f.add(append(f.rest, silence[k:]...))
		f.rest = nil
	}
	return f.addMark(n)
}

// flush forgets all that waits, marks too, and ends buffering and pause. A program
// that was told to stop may go on: next tells it.
func (f *feed) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue, f.rest, f.frames, f.marks = nil, nil, 0, 0
	f.buffering, f.paused = false, false
}

func (f *feed) pause(on bool)     { f.mu.Lock(); f.paused = on; f.mu.Unlock() }
func (f *feed) reportDrained()    { f.mu.Lock(); f.drained = true; f.mu.Unlock() }
func (f *feed) setDeaf(deaf bool) { f.mu.Lock(); f.deaf = deaf; f.mu.Unlock() }

// isFull says whether no frame can be taken now.
func (f *feed) isFull() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.frames >= queueMost
}

// status is the answer to GET_STATUS.
func (f *feed) status() notice {
	f.mu.Lock()
	defer f.mu.Unlock()
	return notice{event: eventStatus, fields: []field{
		{"queue_length", f.frames}, {"xon_level", queueOn}, {"xoff_level", queueOff},
		{"queue_full", f.full}, {"bulk_media", f.buffering}, {"media_paused", f.paused},
	}}
}
