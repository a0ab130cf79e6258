package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// openSocket serves a shell on a socket of its own.
func openSocket(t *testing.T) *Socket {
	t.Helper()
	d := newDesk(t, withDB(t))
	s := &Socket{Path: filepath.Join(t.TempDir(), "asterisk.ctl"), Shell: d.Shell}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second) // t.Context is over
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client is Asterisk's own command line.
type client struct {
	net.Conn
	t *testing.T
	*bufio.Reader
}

func (s *Socket) connect(t *testing.T) *client {
	t.Helper()
	c, err := net.Dial("unix", s.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second)) // a test that hangs fails
	return &client{c, t, bufio.NewReader(c)}
}

func (c *client) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func (c *client) line() string {
	c.t.Helper()
	l, err := c.ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	return l
}

func (c *client) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, text); err != nil {
		c.t.Fatal(err)
	}
}

func TestSocketQuitAfter(t *testing.T) {
	s := openSocket(t)
	c := s.connect(t)
	host, _ := os.Hostname()
	if got, want := c.line(), fmt.Sprintf("%s/%d/22.10.1\n", host, os.Getpid()); got != want {
		t.Errorf("begins with %q, want %q", got, want)
	}
	c.say("cli quit after core show")
	c.say(" version\x00")
	rest, err := io.ReadAll(c)
	if err != nil || string(rest) != "Asterisk 22.10.1 (Dialwright 1.2.3)\n" {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestSocketInteractive(t *testing.T) {
	s := openSocket(t)
	c := s.connect(t)
	c.line()
	c.say("core set verbose atleast 3 silent\x00logger mute silent\x00database put a b c\x00database get a b\x00")
	for _, want := range []string{"Updated database successfully\n", "Value: c\n"} {
		if got := c.line(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	c.say("_COMMAND NUMMATCHES \"core show ch\" \"ch\"\x00")
	if n, err := c.ReadByte(); err != nil || n != '2' {
		t.Errorf("%c matches, %v", n, err)
	}
	c.say("_COMMAND MATCHESARRAY \"core show ch\" \"ch\"\x00")
	got, err := io.ReadAll(io.LimitReader(c, int64(len("channel channel channels _EOF_"))))
	if err != nil || string(got) != "channel channel channels _EOF_" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSocketRefusesLongCommands(t *testing.T) {
	s := openSocket(t)
	c := s.connect(t)
	c.line()
	key := strings.Repeat("k", maxLine-len("database put a  v"))
	c.say("database put a " + key + " v\x00")
	if got := c.line(); got != "Updated database successfully\n" {
		t.Errorf("511 bytes: %q", got)
	}
	c.say("database put a " + key + "k v\x00")
	if got, err := io.ReadAll(c); !strings.Contains(string(got), "at most 511 bytes") { // the error is a reset: the rest of the line was not read
		t.Errorf("512 bytes: %q, %v", got, err)
	}
}

func TestSocketOfADeadServerIsReplaced(t *testing.T) {
	s := openSocket(t)
	if info, err := os.Stat(s.Path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	second := &Socket{Path: s.Path, Shell: s.Shell}
	if err := second.Start(t.Context()); !errors.Is(err, ErrSocketInUse) {
		t.Errorf("two servers: %v", err)
	}
	dead := filepath.Join(t.TempDir(), "dead.ctl")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	next := &Socket{Path: dead, Shell: s.Shell}
	if err := next.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	next.connect(t).line()
	if err := errors.Join(next.Stop(t.Context()), next.Stop(t.Context()), (&Socket{}).Stop(t.Context())); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&Socket{Path: file, Shell: s.Shell}).Start(t.Context()); err == nil {
		t.Error("a file was replaced")
	}
}

func TestSocketClosesConnectionsWhenItStops(t *testing.T) {
	s := openSocket(t)
	c := s.connect(t)
	c.line()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || len(got) > 0 {
		t.Errorf("%q, %v", got, err)
	}
}
