package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Socket serves the protocol of asterisk.ctl (spec: cli 2; Asterisk: main/asterisk.c
// netconsole, ast_remotecontrol):
//
//	server: hostname/pid/version LF
//	client: command NUL …            the output of each, nothing behind it
//	client: cli quit after command NUL    its output, then the server closes
//
// Whoever can open the socket may do everything: it is made with mode 0660. A socket
// left by a server that died is replaced; one that somebody listens on is not. The
// exported fields are set before Start.
type Socket struct {
	Path  string
	Shell *Shell
	Log   *slog.Logger // nil: nothing is logged

	base   context.Context // of commands; ends with Stop
	end    context.CancelFunc
	l      *net.UnixListener
	served sync.WaitGroup

	mu    sync.Mutex // guards conns
	conns map[net.Conn]struct{}
}

const (
	quitAfter     = "cli quit after "
	maxLine       = 511 // bytes of a command (Asterisk: asterisk.c netconsole, inbuf)
	maxSockets    = 128 // connections at once (Asterisk: asterisk.c AST_MAX_CONNECTS)
	socketMode    = 0o660
	writePatience = 30 * time.Second
)

// ErrSocketInUse says that somebody listens on the socket already.
var ErrSocketInUse = errors.New("an Asterisk or another server listens on this socket")

// Start opens the socket. It lives until Stop, whatever becomes of ctx.
func (s *Socket) Start(ctx context.Context) error {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if c, err := new(net.Dialer).DialContext(ctx, "unix", s.Path); err == nil {
		_ = c.Close() // it only had to open
		return fmt.Errorf("%s: %w", s.Path, ErrSocketInUse)
	}
	if err := removeSocket(s.Path); err != nil {
		return err
	}
	making := filepath.Join(filepath.Dir(s.Path), fmt.Sprintf(".%d", os.Getpid()%100000)) // it has its name when its mode is set
	_ = os.Remove(making)                                                                 // of a server that died while it made one
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: making, Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(making, socketMode), os.Rename(making, s.Path)); err != nil {
		return errors.Join(err, l.Close(), os.Remove(making))
	}
	s.l, s.conns = l, map[net.Conn]struct{}{}
	s.base, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.served.Go(s.accept)
	return nil
}

// removeSocket removes a socket that nobody listens on. Anything else stays.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s: is no socket, and stays as it is", path)
	}
	return os.Remove(path)
}

// Stop takes no new connections, closes those that there are and removes the socket. It
// returns when commands in progress have ended, or with the error of ctx. It may be
// called twice, and before Start.
func (s *Socket) Stop(ctx context.Context) error {
	if s.l == nil {
		return nil
	}
	if err := s.l.Close(); err == nil {
		_ = os.Remove(s.Path) // it may be gone
	}
	s.end()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.SetReadDeadline(time.Now()) // an answer on its way gets there
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends with the last connection, whose writes have deadlines
		s.served.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Socket) accept() {
	for {
		c, err := s.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no descriptors; they come back
			s.Log.Warn("control socket", "door", "cli", "error", err)
			select {
			case <-time.After(time.Second):
				continue
			case <-s.base.Done():
				return
			}
		}
		if !s.enter(c) {
			_ = c.Close() // too many
			continue
		}
		s.served.Go(func() {
			defer s.leave(c)
			s.serve(c)
		})
	}
}

// enter counts a connection, false = there are too many or the server stops.
func (s *Socket) enter(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= maxSockets || s.base.Err() != nil {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Socket) leave(c net.Conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	_ = c.Close() // nothing can be done about it
}

// serve speaks with one client until it leaves.
func (s *Socket) serve(c net.Conn) {
	host, _ := os.Hostname() // for the prompt of the client alone
	if !write(c, fmt.Sprintf("%s/%d/%s\n", host, os.Getpid(), s.Shell.o.Version)) {
		return
	}
	in := bufio.NewReaderSize(c, maxLine+1)
	for {
		line, err := in.ReadSlice(0)
		if errors.Is(err, bufio.ErrBufferFull) {
			write(c, fmt.Sprintf("A command has at most %d bytes.\n", maxLine))
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && s.base.Err() == nil {
				s.Log.Debug("control socket", "door", "cli", "error", err)
			}
			return
		}
		command, last := strings.CutPrefix(string(bytes.TrimSuffix(line, []byte{0})), quitAfter)
		r := s.Shell.Run(s.base, Caller{Name: "asterisk.ctl"}, command)
		if !write(c, r.Output) || last {
			return
		}
	}
}

func write(c net.Conn, text string) bool {
	if err := c.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return false
	}
	_, err := io.WriteString(c, text)
	return err == nil
}
