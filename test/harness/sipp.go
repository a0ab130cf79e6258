package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// SIPp is a running SIPp.
type SIPp struct {
	t    testing.TB
	Port int
	Dir  string // its files and logs
	cmd  *exec.Cmd
	out  *bytes.Buffer
	done chan error
}

// StartSIPp runs a scenario (its XML) for a number of calls on a port. It must have
// ended well by the time that Wait is called, or by the end of the test at the latest.
func StartSIPp(t testing.TB, port, calls int, scenario string, args ...string) *SIPp {
	t.Helper()
	RequirePeer(t, "sipp", "sip-tester")
	p := &SIPp{t: t, Port: port, Dir: t.TempDir(), out: new(bytes.Buffer), done: make(chan error, 1)}
	file := filepath.Join(p.Dir, "scenario.xml")
	if err := os.WriteFile(file, []byte(scenario), 0o644); err != nil {
		t.Fatal(err)
	}
	args = append([]string{
		"-sf", file, "-i", "127.0.0.1", "-p", strconv.Itoa(p.Port), "-mi", "127.0.0.1",
		"-mp", strconv.Itoa(FreePorts(t, 16)), "-m", strconv.Itoa(calls), "-nostdin", "-buff_size", "4000000",
		"-timeout", "120", "-timeout_error", "-trace_err", "-error_file", filepath.Join(p.Dir, "errors.log"),
		"-trace_msg", "-message_file", filepath.Join(p.Dir, "messages.log"),
		"-trace_counts", "-stf", filepath.Join(p.Dir, "counts.csv"), "-fd", "1",
	}, args...)
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "sipp", args...)
	p.cmd.Dir = p.Dir
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		if t.Failed() {
			p.show()
		}
	})
	p.awaitBound()
	return p
}

// awaitBound returns when SIPp's socket is there (proc(5): net/udp). Trying to
// bind the port ourselves would now and then keep SIPp from doing so.
func (p *SIPp) awaitBound() {
	p.t.Helper()
	local := fmt.Sprintf(" 0100007F:%04X ", p.Port)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 12000 {
		sockets, err := os.ReadFile("/proc/net/udp")
		if err != nil {
			p.t.Fatal(err)
		}
		if bytes.Contains(sockets, []byte(local)) {
			return
		}
		select {
		case <-tick.C:
		case err := <-p.done:
			p.done <- err
			if err == nil {
				return // a short scenario is over already
			}
			p.t.Fatalf("sipp ended before it had bound port %d: %v\n%s", p.Port, err, p.out)
		}
	}
	p.t.Fatalf("sipp did not bind port %d\n%s", p.Port, p.out)
}

// Wait returns when SIPp has ended, and fails the test unless every call went
// as the scenario says.
func (p *SIPp) Wait() {
	p.t.Helper()
	select {
	case err := <-p.done:
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			p.t.Errorf("sipp ended with %v: the peer saw something else than its scenario", err)
		} else if err != nil {
			p.t.Error(err)
		}
	case <-time.After(90 * time.Second):
		p.t.Error("sipp did not end: the peer still waits for something")
	}
}

func (p *SIPp) show() {
	for _, name := range []string{"errors.log", "messages.log"} {
		if b, err := os.ReadFile(filepath.Join(p.Dir, name)); err == nil {
			if len(b) > 12000 {
				b = b[len(b)-12000:]
			}
			p.t.Logf("%s:\n%s", name, b)
		}
	}
}

// Messages gives everything that SIPp sent and received so far.
func (p *SIPp) Messages() string {
	b, err := os.ReadFile(filepath.Join(p.Dir, "messages.log"))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}
