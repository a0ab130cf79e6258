package pbx

import (
	"path/filepath"
	"time"
)

// RecordedFile is a file that is being recorded, whoever records it: Channel.Record,
// Bridge.Record, MixMonitor, a conference. Options.Recorded is told of it twice, when it
// begins and when it is complete.
type RecordedFile struct {
	ID       string          // the same both times, and no other file's
	Path     string          // absolute
	At       time.Time       // of what is told
	Channel  *Snapshot       // that is recorded, nil for a bridge
	Bridge   *BridgeSnapshot // that is recorded, nil for a channel
	Ended    bool            // it is complete
	Duration time.Duration   // once it has ended
}

// Recorded tells Options.Recorded of a file of the channel's: for what records by
// Port.Tap.
func (c *Channel) Recorded(f RecordedFile) {
	f.Channel = c.Snapshot()
	c.sw.recorded(f)
}

// Recorded tells Options.Recorded of a file of the bridge's: for what records by Tap.
func (b *Bridge) Recorded(f RecordedFile) {
	f.Bridge = b.Snapshot()
	b.sw.recorded(f)
}

func (s *Switch) recorded(f RecordedFile) {
	if s.o.Recorded == nil || f.Path == "" {
		return
	}
	if full, err := filepath.Abs(f.Path); err == nil {
		f.Path = full
	}
	f.At = now()
	s.o.Recorded(f)
}

// tellFile tells of the recording's file.
func (r *Recording) tellFile(ended bool) {
	if r.told == nil {
		return
	}
	f := RecordedFile{ID: r.id, Path: r.file.Name(), Ended: ended}
	if ended {
		f.Duration = r.rec.Duration()
	}
	r.told(f)
}
