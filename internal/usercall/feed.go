package usercall

import (
	"strings"
	"sync"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/mixmonitor"
	"github.com/dialwright/dialwright/internal/pbx"
)

// feed holds what has happened since the worker looked last: of each channel, bridge and
// attempt the newest only. It is therefore never longer than what the switch has, and had in
// the moment since.
type feed struct {
	bell chan struct{} // has an element while there may be news

	mu   sync.Mutex // guards news; taken under the lock of the switch's bus
	news news
}

// news are what the feed holds.
type news struct {
	channels map[string]*channelNews
	bridges  map[string]*pbx.BridgeSnapshot // nil: destroyed
	attempts map[call.ID]*attemptNews
}

// channelNews are of one channel.
type channelNews struct {
	sn     *pbx.Snapshot // nil: nothing new
	caller string        // channel that dials it, "" = nothing new
	tapes  int           // recordings that have begun, less those that have ended
	anew   bool          // it was made: whoever had its id before has gone
	gone   bool          // it has hung up
}

// attemptNews are of one attempt of the queue.
type attemptNews struct {
	begun     *call.Attempt // nil: before
	connected bool
	over      bool
}

func newFeed() feed { return feed{bell: make(chan struct{}, 1), news: noNews()} }

func noNews() news {
	return news{channels: map[string]*channelNews{}, bridges: map[string]*pbx.BridgeSnapshot{}, attempts: map[call.ID]*attemptNews{}}
}

// take gives the news and begins anew.
func (f *feed) take() news {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.news
	f.news = noNews()
	return n
}

func (f *feed) ring() {
	select {
	case f.bell <- struct{}{}:
	default:
	}
}

// observe takes an event of the switch. It is called with the switch's bus locked.
func (f *feed) observe(e *pbx.Event) {
	switch e.Type {
	case pbx.ChannelCreated, pbx.ChannelStateChange, pbx.ChannelHangupRequest, pbx.ChannelDestroyed,
		pbx.ChannelCallerID, pbx.ChannelConnectedLine, pbx.ChannelAccountCode,
		pbx.ChannelHold, pbx.ChannelUnhold, mixmonitor.Started, mixmonitor.Stopped,
		pbx.ChannelEnteredBridge, pbx.ChannelLeftBridge, pbx.BridgeDestroyed, pbx.Dial:
	default:
		return
	}
	f.mu.Lock()
	switch e.Type {
	case pbx.Dial: // its caller's snapshot was taken by somebody else, and may be old
		f.dialled(e)
	case pbx.BridgeDestroyed:
		f.news.bridges[e.Bridge.ID] = nil
	default:
		if e.Bridge != nil {
			f.news.bridges[e.Bridge.ID] = e.Bridge
		}
		f.about(e.Channel, e.Type)
	}
	f.mu.Unlock()
	f.ring()
}

func (f *feed) dialled(e *pbx.Event) {
	if e.Peer == nil {
		return
	}
	n := f.about(e.Peer, e.Type)
	if n != nil && e.Channel != nil {
		n.caller = e.Channel.ID
	}
}

// about notes the newest of a channel.
func (f *feed) about(sn *pbx.Snapshot, t pbx.EventType) *channelNews {
	if sn == nil {
		return nil
	}
	n := f.news.channels[sn.ID]
	if n == nil {
		n = &channelNews{}
		f.news.channels[sn.ID] = n
	}
	if t == pbx.ChannelCreated { // the id of one that has gone may be used again
		*n = channelNews{anew: true}
	}
	n.sn, n.gone = sn, n.gone || sn.HungUp || t == pbx.ChannelDestroyed
	switch t {
	case mixmonitor.Started:
		n.tapes++
	case mixmonitor.Stopped:
		n.tapes--
	}
	return n
}

// exist takes what there was before anything was observed.
func (f *feed) exist(channels []*pbx.Snapshot, bridges []*pbx.BridgeSnapshot) {
	f.mu.Lock()
	for _, sn := range channels {
		if f.news.channels[sn.ID] == nil && !sn.HungUp {
			f.news.channels[sn.ID] = &channelNews{sn: sn}
		}
	}
	for _, b := range bridges {
		if _, newer := f.news.bridges[b.ID]; !newer {
			f.news.bridges[b.ID] = b
		}
	}
	f.mu.Unlock()
	f.ring()
}

// attempt takes a step of an attempt.
func (f *feed) attempt(id call.ID, step func(*attemptNews)) {
	f.mu.Lock()
	n := f.news.attempts[id]
	if n == nil {
		n = &attemptNews{}
		f.news.attempts[id] = n
	}
	step(n)
	f.mu.Unlock()
	f.ring()
}

// half gives the common name of the two halves of a Local channel, and which this one is.
func half(sn *pbx.Snapshot) (name string, i int, ok bool) {
	if sn.Technology != "Local" {
		return "", 0, false
	}
	name, ok = strings.CutSuffix(sn.Name, ";1")
	if !ok {
		name, ok = strings.CutSuffix(sn.Name, ";2")
		i = 1
	}
	return name, i, ok
}
