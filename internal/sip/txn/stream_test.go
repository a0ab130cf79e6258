package txn

import (
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/siptest"
	"github.com/emiago/sipgo/sip"
)

// tcp connects the rig's layer to a scripted peer over a stream.
func (r *rig) tcp() (*sipnet.Flow, net.Conn) {
	r.t.Helper()
	ln, err := r.wire.ListenStream("tcp", "10.0.0.2:5060")
	if err != nil {
		r.t.Fatal(err)
	}
	defer ln.Close()
	f, err := r.net.Flow(r.t.Context(), sipnet.Target{Transport: sipnet.TCP, Addr: r.peer.Addr()})
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := ln.Accept()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return f, c
}

// drain reads a connection until it ends and counts the messages that start
// with a line.
func drain(c net.Conn) (count func(first string) int) {
	var all strings.Builder
	go func() {
		buf := make([]byte, 65536)
		for {
			n, err := c.Read(buf)
			all.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	return func(first string) int {
		synctest.Wait()
		return strings.Count(all.String(), first)
	}
}

func TestX1_NothingIsRepeatedOnStreams(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var c net.Conn
		r.flow, c = r.tcp()
		count := drain(c)
		invite, options := r.send(r.request(sip.INVITE)), r.send(r.request(sip.OPTIONS))
		r.answer(486)
		if _, err := c.Write([]byte(siptest.CRLF(incoming("INVITE", "s")))); err != nil {
			t.Fatal(err)
		}
		sleep(time.Minute)
		if i, o, b := count("INVITE sip:"), count("OPTIONS sip:"), count("SIP/2.0 486"); i != 1 || o != 1 || b != 1 {
			t.Errorf("INVITE sent %d times, OPTIONS %d, 486 %d", i, o, b)
		}
		diff(t, "timer B", []string{"32s no response in time"}, invite.events)
		diff(t, "timer F", []string{"32s no response in time"}, options.events)
	})
}

func TestX5_NoMemoryOnStreams(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		f, c := r.tcp()
		count := drain(c)
		r.answer(200)
		r.layer.OnAck(func(*sipnet.Flow, *sip.Request) {})
		for _, m := range []string{incoming("INVITE", "s"), incoming("OPTIONS", "t")} {
			if _, err := c.Write([]byte(siptest.CRLF(m))); err != nil {
				t.Fatal(err)
			}
		}
		if n := count("SIP/2.0 200 X"); n != 2 || r.layer.Pending() != 0 {
			t.Errorf("%d answers, %d pending; want 2, 0", n, r.layer.Pending())
		}
		if !f.Alive() {
			t.Error("the flow closed")
		}
	})
}

func TestN5_LostConnectionEndsItsTransactions(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		udp := r.send(r.request(sip.INFO))
		var c net.Conn
		r.flow, c = r.tcp()
		drain(c)
		var ended error
		r.layer.OnRequest(func(s *ServerTx) { s.OnEnd(func(err error) { ended = err }) })
		h := r.send(r.request(sip.INVITE))
		if _, err := c.Write([]byte(siptest.CRLF(incoming("MESSAGE", "s")))); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.Close()
		synctest.Wait()
		diff(t, "client", []string{"0s transport failed: flow closed"}, h.events)
		if !errors.Is(ended, ErrTransport) {
			t.Errorf("server ended with %v", ended)
		}
		if len(udp.events) != 0 {
			t.Errorf("a transaction of another flow heard %v", udp.events)
		}
		if _, err := r.layer.Send(r.flow, r.request(sip.BYE), nil); !errors.Is(err, ErrTransport) {
			t.Errorf("sent on a lost flow: %v", err)
		}
	})
}

func TestN5_WaitingTransactionKeepsItsConnection(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var c net.Conn
		r.flow, c = r.tcp()
		buf := make([]byte, 65536)
		h := r.send(r.request(sip.INVITE))
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		m, err := sip.ParseMessage(buf[:n])
		if err != nil {
			t.Fatal(err)
		}
		answer := func(status int) {
			if _, err := c.Write([]byte(siptest.Answer(m.(*sip.Request), status, "X", "b").String())); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		answer(180)
		sleep(10 * time.Minute) // ringing in silence
		answer(200)
		diff(t, "heard", []string{"0s 180", "10m0s 200"}, h.events)
		sleep(5 * time.Minute)
		if r.flow.Alive() {
			t.Error("the connection is kept for nothing")
		}
	})
}

func TestN4_LargeRequestGoesOverTCP(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		f, c := r.tcp()
		count := drain(c)
		large := r.request(sip.INVITE)
		large.SetBody([]byte(strings.Repeat("a=x\r\n", 300)))
		h := r.send(large)
		if h.tx.Flow() != f || count("Via: SIP/2.0/TCP") != 1 {
			t.Errorf("sent on %s", h.tx.Flow().ID())
		}
		c.Close()
		synctest.Wait()
		again := r.request(sip.MESSAGE)
		again.SetBody([]byte(strings.Repeat("a=x\r\n", 300)))
		if h := r.send(again); h.tx.Flow() != r.flow {
			t.Errorf("without a TCP connection sent on %s", h.tx.Flow().ID())
		}
		r.peer.Request(sip.MESSAGE)
	})
}

func TestN6_ResponsesGoBackOnTheRequestsFlow(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		_, c := r.tcp()
		count := drain(c)
		r.answer(180)
		m := replace(t, incoming("INVITE", "s"), "10.0.0.2:5060;", "192.0.2.99:9;") // not the source
		if _, err := c.Write([]byte(siptest.CRLF(m))); err != nil {
			t.Fatal(err)
		}
		if count("SIP/2.0 180 X") != 1 {
			t.Error("no answer on the connection")
		}
		stop(t, r)
	})
}
