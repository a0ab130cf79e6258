package pbx

import (
	"fmt"

	"github.com/dialwright/dialwright/internal/media"
)

// rtpVariables are the variables that say how the media of a call was, in the
// order and the form in which Asterisk sets them when a channel with RTP is over
// (Asterisk: rtp_engine.c ast_rtp_instance_set_stats_vars; observed: Asterisk
// 22.10). rx and tx of jitter in the first one are the wrong way round there too.
func rtpVariables(m media.Stats) [5]struct{ name, value string } {
	return [5]struct{ name, value string }{
		{"RTPAUDIOQOS", fmt.Sprintf("ssrc=%d;themssrc=%d;lp=%d;rxjitter=%f;rxcount=%d;txjitter=%f;txcount=%d;rlp=%d;rtt=%f;rxmes=%f;txmes=%f",
			m.SSRC, m.RemoteSSRC, m.Lost, m.RemoteJitter.Seconds(), m.PacketsIn, m.Jitter.Seconds(), m.PacketsOut, m.RemoteLost,
			m.RTT.Seconds(), m.MES.Last, m.RemoteMES.Last)},
		{"RTPAUDIOQOSJITTER", spread("", "jitter", m.JitterSpread, m.RemoteJitterSpread)},
		{"RTPAUDIOQOSLOSS", spread("  ", "lost", m.LostSpread, m.RemoteLostSpread)},
		{"RTPAUDIOQOSRTT", part4("     ", "rtt", m.RTTSpread)},
		{"RTPAUDIOQOSMES", spread("   ", "mes", m.MES, m.RemoteMES)},
	}
}

// spread writes what we and what the peer measured.
func spread(indent, what string, rx, tx media.Spread) string {
	return part4(indent, "rx"+what, rx) + part4(indent, "tx"+what, tx)
}

func part4(indent, what string, s media.Spread) string {
	return fmt.Sprintf("%smin%s=%010.6f;%smax%s=%010.6f;%savg%s=%010.6f;%sstdev%s=%010.6f;",
		indent, what, s.Min, indent, what, s.Max, indent, what, s.Mean, indent, what, s.StdDev)
}

// setRTPVariables sets them on a channel that hangs up, and with BRIDGED behind
// their names on the one that it is alone with in a bridge (spec: ari 5.3, 5.4).
// Channels that had no RTP get none.
func (c *Channel) setRTPVariables() {
	if c.port == nil {
		return
	}
	m := c.port.Stats()
	if m.SSRC == 0 || c.snap.Load().ProtocolID == "" { // RTP without signalling says nothing (observed: Asterisk 22.10, vector 08b)
		return
	}
	vars := rtpVariables(m)
	other := c.bridgedWith()
	for _, v := range vars {
		c.setVariable(v.name, v.value)
	}
	if other != nil {
		other.box.post(func() {
			for _, v := range vars {
				if !other.hungUp {
					other.setVariable(v.name+"BRIDGED", v.value)
				}
			}
		})
	}
}

// bridgedWith gives the only other member of the channel's bridge, nil if there
// is none or more than one.
func (c *Channel) bridgedWith() *Channel {
	if c.bridge == nil {
		return nil
	}
	c.bridge.mu.Lock()
	defer c.bridge.mu.Unlock()
	if len(c.bridge.members) != 2 {
		return nil
	}
	for _, m := range c.bridge.members {
		if m.c != c {
			return m.c
		}
	}
	return nil
}
