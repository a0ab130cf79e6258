package vodia

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// mostPerSocket is what an idle socket may cost the server, with the client's end of the
// connection: two goroutines, and the buffers of net/http that it keeps.
const mostPerSocket = 64 << 10

// An idle socket costs bounded memory, and one that has closed none.
func TestSocketMemory(t *testing.T) {
	const n = 400
	h := newHouse(t)
	h.set(func() { h.conf.MaxSockets, h.conf.AllowPlainHTTP = n, true })
	srv := httptest.NewServer(h.door)
	defer srv.Close()
	names := []string{ada, ben, "125@tenant.com", dot, eve}
	sessions := make([]string, len(names))
	for i, name := range names {
		sessions[i] = h.session(name)
	}
	per := n / len(names)
	if per > socketsOfUser {
		per = socketsOfUser
	}
	before := inUse()
	var open []net.Conn
	for i, name := range names {
		for range per {
			open = append(open, bareSocket(t, srv.Listener.Addr().String(), name, sessions[i]))
		}
	}
	each := (inUse() - before) / len(open)
	t.Logf("%d bytes for each of %d idle sockets", each, len(open))
	if each > mostPerSocket {
		t.Errorf("an idle socket costs %d bytes, want at most %d", each, mostPerSocket)
	}
	for _, c := range open {
		h.must(c.Close())
	}
	h.must(h.door.Stop(t.Context()))
	if left := inUse() - before; left > len(open)*each/4 {
		t.Errorf("%d bytes are left of sockets that have closed", left)
	}
}

// inUse gives the bytes of the heap and the stacks that are in use.
func inUse() int {
	runtime.GC()
	runtime.GC() // what finalizers have let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// bareSocket opens a socket that has been told the user's calls, with nothing at the client's
// end but a connection.
func bareSocket(t testing.TB, addr, user, session string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/websocket"+query(user), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Cookie": "session=" + session,
	} {
		r.Header.Set(name, value)
	}
	in := bufio.NewReader(c)
	if err := r.Write(c); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(in, r)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", resp, err)
	}
	text := `{"action":"get-calls"}`
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...) // RFC 6455 §5.2, a mask of zeros
	if _, err := c.Write(frame); err != nil {
		t.Fatal(err)
	}
	want := `{"action":"call-state","calls":[]}`
	got := make([]byte, 2+len(want))
	for i := range got {
		if got[i], err = in.ReadByte(); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.HasSuffix(string(got), want) {
		t.Fatalf("the server sends %q", got)
	}
	return c
}
