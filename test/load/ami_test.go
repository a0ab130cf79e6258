package load

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dialwright/dialwright/test/harness"
)

const amiUser = "[ami.users.load]\nsecret = \"choose-one-1\"\nread = [\"all\"]\nwrite = [\"all\"]\n"

// amiServer starts a server that listens for AMI, and gives its address.
func amiServer(t *testing.T, p *phones, limits harness.Limits, more ...string) (*harness.Server, string) {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	sections := append([]string{harness.Trunk("phones", p.port, ""), "[limits]\nchannels = 3000\n", fmt.Sprintf("[ami]\nlisten = %q\n", addr)}, more...)
	return harness.StartWith(t, limits, append(sections, amiUser)...), addr
}

// console is a connection to AMI.
type console struct {
	conn net.Conn
	r    *bufio.Reader
}

// openConsole logs in. events is the mask.
func openConsole(t *testing.T, addr, events string) *console {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &console{conn, bufio.NewReaderSize(conn, 1<<16)}
	if _, err := c.r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	c.send(t, "Login", "Username", "load", "Secret", "choose-one-1", "Events", events)
	p, err := c.packet()
	if err != nil || !strings.HasPrefix(p, "Response: Success") {
		t.Fatalf("login: %q %v", p, err)
	}
	return c
}

func (c *console) send(t *testing.T, action string, headers ...string) {
	var b strings.Builder
	fmt.Fprintf(&b, "Action: %s\r\n", action)
	for i := 0; i+1 < len(headers); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", headers[i], headers[i+1])
	}
	if _, err := io.WriteString(c.conn, b.String()+"\r\n"); err != nil {
		t.Error(err)
	}
}

// packet reads up to the next empty line.
func (c *console) packet() (string, error) {
	var b strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == "\r\n" && b.Len() > 0 {
			return b.String(), nil
		}
		if line != "\r\n" {
			b.WriteString(line)
		}
	}
}

// value gives a header of a packet.
func value(packet, key string) string {
	_, rest, ok := strings.Cut("\r\n"+packet, "\r\n"+key+": ")
	if !ok {
		return ""
	}
	v, _, _ := strings.Cut(rest, "\r\n")
	return v
}

// originate asks for a call to a number of the phones, which hang up.
func (c *console) originate(t *testing.T, id, number string) {
	c.send(t, "Originate", "ActionID", id, "Channel", "PJSIP/"+number+"@phones", "Application", "Wait", "Data", "30",
		"Timeout", "60000", "ChannelId", id, "Async", "true")
}

// witness is what a session saw between the first call and the mark behind the last.
type witness struct {
	hash   string // of the packets in their order
	events int
	calls  map[string]map[string]int // unique id → event → times
	err    error
}

// watch reads until the mark comes. Only the first keeps count of the calls.
func (c *console) watch(count bool, over func()) *witness {
	w := &witness{}
	if count {
		w.calls = map[string]map[string]int{}
	}
	sum := sha256.New()
	for {
		p, err := c.packet()
		if err != nil {
			w.err = err
			return w
		}
		if strings.HasPrefix(p, "Response:") || strings.HasPrefix(p, "Event: FullyBooted") {
			continue
		}
		if value(p, "UserEvent") == "mark" {
			w.hash = hex.EncodeToString(sum.Sum(nil))
			return w
		}
		io.WriteString(sum, p)
		w.events++
		if !count {
			continue
		}
		id, name := value(p, "Uniqueid"), value(p, "Event")
		if strings.HasPrefix(name, "Dial") {
			id, name = value(p, "DestUniqueid"), name+value(p, "DialStatus")
		}
		if w.calls[id] == nil {
			w.calls[id] = map[string]int{}
		}
		w.calls[id][name]++
		if name == "Hangup" {
			over()
		}
	}
}

// crowd is how much TestAMIEvents asks of the server.
type crowd struct {
	clients, calls int
	stopped        int // further clients that do not read
	queue          int // events that a session may be behind; the calls have more, and more than the kernel takes
	memory         int // kB that the server may need for all of it
}

// Clients with all events on see every event of every call once, and all see them in the same
// order. Others stop reading: they are closed, with a line in the log, and the server's memory
// stays what a bounded queue needs. With DIALWRIGHT_BENCH=1: 200 clients, 20 that do not read,
// 5,000 calls.
func TestAMIEvents(t *testing.T) {
	size := crowd{clients: 50, calls: 1500, stopped: 10, queue: 3000, memory: 120 << 10}
	if os.Getenv("DIALWRIGHT_BENCH") != "" {
		size = crowd{clients: 200, calls: 5000, stopped: 20, queue: 20000, memory: 200 << 10}
	}
	const atOnce = 100
	clients, stopped, calls := size.clients, size.stopped, size.calls
	p := startPhones(t, 0, 5*time.Millisecond)
	srv, addr := amiServer(t, p, harness.Limits{RTPPorts: 8000, Info: true}, fmt.Sprintf("event_queue = %d\nevent_queue_size = 8388608\n", size.queue))
	for range stopped {
		c := openConsole(t, addr, "on")
		if err := c.conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
	}
	seats := make(chan struct{}, atOnce) // calls that are on their way
	all := make([]*witness, clients)
	var watching sync.WaitGroup
	for i := range clients {
		c := openConsole(t, addr, "on")
		watching.Go(func() { all[i] = c.watch(i == 0, func() { <-seats }) })
	}
	before := srv.Memory()
	dialler := openConsole(t, addr, "off")
	go io.Copy(io.Discard, dialler.r)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	begin := time.Now()
	for i := range calls {
		select {
		case seats <- struct{}{}:
		case <-ctx.Done():
			t.Fatalf("%d calls in five minutes", i)
		}
		dialler.originate(t, fmt.Sprintf("c%d", i), fmt.Sprint(100000+i))
	}
	for range atOnce { // until the last has ended
		select {
		case seats <- struct{}{}:
		case <-ctx.Done():
			t.Fatal("calls do not end")
		}
	}
	wall := time.Since(begin)
	dialler.send(t, "UserEvent", "UserEvent", "mark")
	watching.Wait()
	for i, w := range all {
		if w.err != nil || w.hash != all[0].hash {
			t.Errorf("session %d saw %d events, another sequence than session 0 with %d: %v", i, w.events, all[0].events, w.err)
		}
	}
	want := map[string]int{"Newchannel": 1, "DialBegin": 1, "DialStateRINGING": 1, "DialEndANSWER": 1, "OriginateResponse": 1, "HangupRequest": 1, "Hangup": 1, "Newstate": 2}
	for i := range calls {
		id := fmt.Sprintf("c%d", i)
		for name, n := range want {
			if got := all[0].calls[id][name]; got != n {
				t.Errorf("call %s: %d × %s, want %d", id, got, name, n)
			}
		}
	}
	closed := strings.Count(srv.Log.Tail(1<<30), "client does not take its events, session closed")
	if closed != stopped {
		t.Errorf("%d of the %d sessions that do not read were closed with a log line", closed, stopped)
	}
	if grown := srv.PeakMemory() - before; grown > size.memory {
		t.Errorf("the server's memory grew by %d kB, want %d at most", grown, size.memory)
	}
	t.Logf("ami: %d calls (%.0f/s), %d events seen by each of %d sessions in one order; %d sessions that do not read closed; memory %d kB before, %d kB at most",
		calls, float64(calls)/wall.Seconds(), all[0].events, clients, closed, before, srv.PeakMemory())
}

// amiFigures prints the figures of AMI: Originate to INVITE at several rates, and the most
// originates per second.
func amiFigures(t *testing.T) {
	t.Run("originate_to_invite", func(t *testing.T) {
		p := startPhones(t, 0, 5*time.Millisecond)
		_, addr := amiServer(t, p, harness.Limits{RTPPorts: 20000, Info: true})
		c := openConsole(t, addr, "off")
		go io.Copy(io.Discard, c.r)
		n := 200000
		for _, rate := range []int{1, 10, 50, 200} {
			count := min(max(rate*5, 10), 1000)
			sent := make([]time.Time, count)
			tick := time.NewTicker(time.Second / time.Duration(rate))
			for i := range count {
				<-tick.C
				sent[i] = time.Now()
				c.originate(t, fmt.Sprintf("p%d", n+i), fmt.Sprint(n+i))
			}
			tick.Stop()
			wait(t, func() bool { return len(p.firstSeen()) >= n-200000+count })
			var took []time.Duration
			first := p.firstSeen()
			for i := range count {
				if at, ok := first[fmt.Sprint(n+i)]; ok {
					took = append(took, at.Sub(sent[i]))
				}
			}
			n += count
			t.Logf("ami: Originate to INVITE at %d/s: p50 %s, p99 %s (%d calls)", rate, quantile(took, 0.5), quantile(took, 0.99), len(took))
		}
	})
	for _, connections := range []int{1, 8} {
		t.Run(fmt.Sprintf("originates_%d", connections), func(t *testing.T) {
			const n, atOnce = 5000, 200
			p := startPhones(t, 0, time.Millisecond)
			srv, addr := amiServer(t, p, harness.Limits{RTPPorts: 20000, Info: true})
			seats := make(chan struct{}, atOnce)
			watcher := openConsole(t, addr, "call")
			go watcher.watch(true, func() { <-seats })
			all := make([]*console, connections)
			for i := range all {
				all[i] = openConsole(t, addr, "off")
				go io.Copy(io.Discard, all[i].r)
			}
			cpu, ours, begin := srv.CPU(), ownCPU(t), time.Now()
			for i := range n {
				seats <- struct{}{}
				all[i%connections].originate(t, fmt.Sprintf("o%d", i), fmt.Sprint(300000+i))
			}
			for range atOnce {
				seats <- struct{}{}
			}
			wall, used := time.Since(begin), srv.CPU()-cpu
			t.Logf("ami: %d originates on %d connections, answered, hung up by the phones, all events told to one session: %.0f calls/s, %.3f ms CPU per call; phones saw %d INVITEs, %d calls at once; peak memory %d kB; the phones and the clients used %.3f ms CPU per call",
				n, connections, n/wall.Seconds(), used.Seconds()*1000/n, p.counts().invites, p.counts().high, srv.PeakMemory(), (ownCPU(t)-ours).Seconds()*1000/n)
		})
	}
}
