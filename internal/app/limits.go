package app

import "log/slog"

// What the descriptors of a process are spent on.
const (
	filesPerCall = 4   // two legs with an RTP and an RTCP socket each
	filesBase    = 128 // database, listeners, TCP connections of phones, logs, httpConns
	httpConns    = 48  // connections to each listener beside event streams, at least
	mostConns    = 1024
	filesPerWeb  = 2 // one connection per event stream of the REST API, and one per stream of ARI
)

// budget shares out the descriptors that the system allows.
type budget struct {
	Files   uint64 // soft limit after raising it; 0 = not limited
	MaxLive int    // attempts at once
	Streams int    // event streams at once of each door
	Conns   int    // connections to the HTTP listener beside event streams
}

// share gives what fits into the descriptors: a sixteenth of what the base
// leaves, at most, to event streams, the rest to calls. wanted values that fit
// are kept. Connections of clients have half of what is left over, so that a
// server which has too much to do can say so instead of letting clients wait for
// a connection.
func share(files uint64, wantLive, wantStreams int) budget {
	b := budget{Files: files, MaxLive: wantLive, Streams: wantStreams, Conns: mostConns}
	if files == 0 {
		return b
	}
	free := int(min(files, 1<<30)) - filesBase
	if free < 2*filesPerCall {
		free = 2 * filesPerCall
	}
	if most := free / 16 / filesPerWeb; b.Streams > most {
		b.Streams = max(most, 1)
	}
	if most := (free - b.Streams*filesPerWeb) / filesPerCall; b.MaxLive > most || b.MaxLive <= 0 {
		b.MaxLive = max(most, 1)
	}
	over := max(free-b.Streams*filesPerWeb-b.MaxLive*filesPerCall, 0)
	b.Conns = min(httpConns+over/2, mostConns)
	return b
}

// claimFiles raises the soft limit of descriptors to the hard one and shares
// the result out. Running out of descriptors must never happen to a call that
// was begun; so fewer are begun, and the log says so.
func claimFiles(log *slog.Logger, wantLive, wantStreams int) budget {
	files, err := raiseFiles()
	if err != nil {
		log.Warn("limit of open files cannot be raised", "limit", files, "err", err)
	}
	b := share(files, wantLive, wantStreams)
	if b.MaxLive < wantLive {
		log.Warn("calls at once are capped by the limit of open files; raise it (ulimit -n, LimitNOFILE)",
			"open_files", files, "calls", b.MaxLive, "wanted", wantLive)
	}
	return b
}
