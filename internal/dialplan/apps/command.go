package apps

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// keptOutput is how much of what a command prints goes into the log.
const keptOutput = 2048

// errTooLong ends a command that runs longer than Options.CommandLimit.
var errTooLong = errors.New("the command ran too long")

// system is System(command): run by /bin/sh -c, waited for. SYSTEMSTATUS is
// SUCCESS, APPERROR for an exit status that is not 0, or FAILURE if it could not
// be run, which ends the call (spec: dialplan 5.1 System).
func system(ctx context.Context, x *run.Exec, args string) error {
	status, err := command(ctx, x, args)
	x.Set(ctx, "SYSTEMSTATUS", status)
	if err == nil && status == "FAILURE" {
		return run.ErrEnd
	}
	return err
}

// trySystem is TrySystem(command): as System, and the call goes on always.
func trySystem(ctx context.Context, x *run.Exec, args string) error {
	status, err := command(ctx, x, args)
	x.Set(ctx, "SYSTEMSTATUS", status)
	return err
}

func systemRefused(ctx context.Context, x *run.Exec, _ string) error {
	x.Set(ctx, "SYSTEMSTATUS", "FAILURE")
	return run.ErrEnd
}

func trySystemRefused(ctx context.Context, x *run.Exec, _ string) error {
	x.Set(ctx, "SYSTEMSTATUS", "FAILURE")
	return nil
}

// command runs a command and gives its status; err is only the end of the call.
// The shell leads a process group of its own, which is killed when the call
// ends or the limit has come: nothing that hangs outlives them. What the
// command has put into the background with & is left alone once the shell is done.
func command(ctx context.Context, x *run.Exec, line string) (status string, err error) {
	line = strings.TrimSpace(line)
	if n := len(line); n > 1 && line[0] == '"' && line[n-1] == '"' { // Asterisk: app_system.c
		line = line[1 : n-1]
	}
	if line == "" {
		x.Warn("System: a command is needed")
		return "FAILURE", nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if d := x.Machine().Options().CommandLimit; d > 0 {
		t := time.AfterFunc(d, func() { cancel(errTooLong) })
		defer t.Stop()
	}
	out, err := runCommand(ctx, line)
	switch exit, failed := errors.AsType[*exec.ExitError](err); {
	case errors.Is(context.Cause(ctx), errTooLong):
		x.Warn("%s: %v and was killed", line, errTooLong)
		return "APPERROR", nil
	case ctx.Err() != nil:
		return "APPERROR", context.Cause(ctx)
	case err == nil:
		return "SUCCESS", nil
	case failed && exit.ExitCode() != 127:
		x.Logger().Info("command failed", "command", line, "exit", exit.ExitCode(), "output", out)
		return "APPERROR", nil
	default:
		x.Warn("%s could not be run: %v: %s", line, err, out)
		return "FAILURE", nil
	}
}

// runCommand runs a line by the shell and gives the beginning of what it printed.
func runCommand(ctx context.Context, line string) (output string, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.Stdout, cmd.Stderr = w, w // a file: Wait does not wait for children in the background
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Start()
	_ = w.Close() // ours; the command has its own
	if err != nil {
		_ = r.Close()
		return "", err
	}
	head := &headWriter{max: keptOutput}
	read := make(chan struct{})
	go func() { // ends when the last process that can print has
		defer close(read)
		_, _ = io.Copy(head, r) // EOF, or closed below
	}()
	err = cmd.Wait()
	if ctx.Err() != nil {
		_ = cmd.Cancel() // children that the shell has left behind in its group
	}
	_ = r.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // what is in the pipe still
	<-read
	_ = r.Close()
	return head.String(), err
}

// headWriter keeps the first bytes and forgets the others.
type headWriter struct {
	max int

	mu  sync.Mutex // guards buf
	buf []byte
}

func (h *headWriter) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf = append(h.buf, p[:min(len(p), h.max-len(h.buf))]...)
	return len(p), nil
}

// String gives what was kept, without the blanks at its ends.
func (h *headWriter) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.TrimSpace(string(h.buf))
}
