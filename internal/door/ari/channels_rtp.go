package ari

import (
	"context"
	"net/http"

	"github.com/dialwright/dialwright/internal/media"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// rtpStatistics tells what a channel has sent and received: 403 for a technology that
// speaks no RTP, 404 before there is any.
func (s *Server) rtpStatistics(_ context.Context, q *request) (response, error) {
	c, found := s.anyChannel(q.path["channelId"])
	if !found {
		return response{}, wire.ErrChannelNotFound
	}
	switch c.Snapshot().Technology {
	case "Local", "Snoop", "AudioSocket", "WebSocket":
		return response{}, wire.Errorf(http.StatusForbidden, "Unsupported channel type")
	}
	m := c.MediaStats()
	if m.SSRC == 0 {
		return response{}, wire.Errorf(http.StatusNotFound, "RTP info not found")
	}
	return ok(rtpStat(c, m)), nil
}

// rtpStat writes the counters as Asterisk does (Asterisk: rtp_engine.c
// ast_rtp_convert_stats_json): times in seconds, and 0 for what was not measured.
func rtpStat(c *pbx.Channel, m media.Stats) wire.RTPstat {
	w := wire.RTPstat{
		TxCount: int(m.PacketsOut), RxCount: int(m.PacketsIn), TxOctets: int(m.BytesOut), RxOctets: int(m.BytesIn),
		TxPacketsLost: int(m.RemoteLost), RxPacketsLost: int(m.Lost),
		TxJitter: new(m.RemoteJitter.Seconds()), RxJitter: new(m.Jitter.Seconds()), RTT: new(m.RTT.Seconds()),
		TxMES: new(m.RemoteMES.Last), RxMES: new(m.MES.Last),
		LocalSSRC: m.SSRC, RemoteSSRC: m.RemoteSSRC, ChannelUniqueID: c.ID(),
	}
	w.LocalMaxJitter, w.LocalMinJitter, w.LocalNormDevJitter, w.LocalStdevJitter = spread(m.JitterSpread)
	w.RemoteMaxJitter, w.RemoteMinJitter, w.RemoteNormDevJitter, w.RemoteStdevJitter = spread(m.RemoteJitterSpread)
	w.LocalMaxRxLoss, w.LocalMinRxLoss, w.LocalNormDevRxLoss, w.LocalStdevRxLoss = spread(m.LostSpread)
	w.RemoteMaxRxLoss, w.RemoteMinRxLoss, w.RemoteNormDevRxLoss, w.RemoteStdevRxLoss = spread(m.RemoteLostSpread)
	w.MaxRTT, w.MinRTT, w.NormDevRTT, w.StdevRTT = spread(m.RTTSpread)
	w.LocalMaxMES, w.LocalMinMES, w.LocalNormDevMES, w.LocalStdevMES = spread(m.MES)
	w.RemoteMaxMES, w.RemoteMinMES, w.RemoteNormDevMES, w.RemoteStdevMES = spread(m.RemoteMES)
	return w
}

// spread gives the four figures of a measure; "normdev" is Asterisk's word for the mean.
func spread(m media.Spread) (most, least, mean, deviation *float64) {
	return &m.Max, &m.Min, &m.Mean, &m.StdDev
}
