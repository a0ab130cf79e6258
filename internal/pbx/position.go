package pbx

import "time"

// Position gives how far the URI that plays has been played, Offset and jumps
// included; after the end, how far the last one came. 0 before the beginning.
func (p *Playback) Position() time.Duration {
	p.mu.Lock()
	po := p.playout
	p.mu.Unlock()
	if po == nil {
		return 0
	}
	return po.Position()
}
