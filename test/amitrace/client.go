package amitrace

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Client is a connection that collects what comes.
type Client struct {
	Banner string
	conn   net.Conn
	mu     sync.Mutex
	got    []Packet
	closed bool          // the server has closed it
	bell   chan struct{} // closed and replaced whenever something has come
	done   chan struct{}
}

// Dial connects and reads the banner.
func Dial(ctx context.Context, addr string) (*Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(conn, 1<<16)
	banner, err := r.ReadString('\n')
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("no banner: %w", err)
	}
	c := &Client{Banner: strings.TrimSuffix(banner, "\r\n"), conn: conn, bell: make(chan struct{}), done: make(chan struct{})}
	go c.read(r)
	return c, nil
}

func (c *Client) read(r *bufio.Reader) {
	defer close(c.done)
	var p Packet
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			c.tell(nil, true)
			return
		}
		text := strings.TrimSuffix(line, "\r\n")
		if text != "" {
			key, value, ok := strings.Cut(text, ": ")
			if !ok || text == line { // no header, or not ended as it must be
				key, value = "not a header", line
			}
			p = append(p, Header{key, value})
			continue
		}
		if len(p) > 0 {
			c.tell(p, false)
		}
		p = nil
	}
}

func (c *Client) tell(p Packet, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p != nil {
		c.got = append(c.got, p)
	}
	c.closed = closed
	close(c.bell)
	c.bell = make(chan struct{})
}

// Close ends the connection, without a word.
func (c *Client) Close() {
	c.conn.Close()
	<-c.done
}

// Write sends text.
func (c *Client) Write(text string) error {
	_, err := io.WriteString(c.conn, text)
	return err
}

// Packets gives what has come so far, from the nth on.
func (c *Client) Packets(from int) []Packet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got[from:])
}

// Len says how many packets have come.
func (c *Client) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.got)
}

// Await waits until what has come from the nth packet on is enough, for d at most. It says
// whether it is.
func (c *Client) Await(ctx context.Context, from int, d time.Duration, enough func(got []Packet, closed bool) bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		c.mu.Lock()
		got, closed, bell := c.got[from:], c.closed, c.bell
		c.mu.Unlock()
		if enough(got, closed) {
			return true
		}
		if closed {
			return false
		}
		select {
		case <-bell:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// Do sends an action and gives its answer: headers come in pairs, the action first.
func (c *Client) Do(ctx context.Context, action string, headers ...string) ([]Packet, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "Action: %s\r\n", action)
	for i := 0; i+1 < len(headers); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", headers[i], headers[i+1])
	}
	from := c.Len()
	if err := c.Write(b.String() + "\r\n"); err != nil {
		return nil, err
	}
	if !c.Await(ctx, from, answerPatience, func(got []Packet, _ bool) bool { return answered(got, 1) }) {
		return nil, fmt.Errorf("%s is not answered", action)
	}
	answers, _ := Split(c.Packets(from))
	return answers[0], nil
}

// Login logs in; events is the header Events, "" = none given.
func (c *Client) Login(ctx context.Context, user, secret, events string) error {
	headers := []string{"Username", user, "Secret", secret}
	if events != "" {
		headers = append(headers, "Events", events)
	}
	a, err := c.Do(ctx, "Login", headers...)
	if err != nil {
		return err
	}
	if a[0].Get("Response") != "Success" {
		return fmt.Errorf("login: %v", a[0])
	}
	return nil
}

// answerPatience is how long the answer of an action may take; a synchronous Originate
// rings as long as the trace says.
const answerPatience = 25 * time.Second

// answered says whether n answers have come to their end.
func answered(got []Packet, n int) bool {
	answers, _ := Split(got)
	if len(answers) < n {
		return false
	}
	last := answers[n-1]
	return last[0].Get("EventList") != "start" || last[len(last)-1].Get("EventList") == "Complete"
}
