package funcs

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// shells lists the functions for which commands must be allowed (spec:
// dialplan 6.2, D7).
func shells() []run.Func {
	return []run.Func{
		{Name: "SHELL", Danger: run.Commands, Read: readShell},
		{Name: "ENV", Danger: run.Commands, Read: readEnv, Write: writeEnv},
	}
}

// shellLimit is how long a command may run if the machine has no limit.
const shellLimit = time.Minute

// errShellLimit ends a command that runs too long.
var errShellLimit = errors.New("the command ran too long and was killed")

// readShell is SHELL(command): what /bin/sh prints, the newline at its end
// included; how it exits does not count. The shell has a process group of its
// own, which is killed after the limit and when the call ends.
func readShell(ctx context.Context, x *run.Exec, args string) (string, error) {
	if args == "" {
		return "", errors.New("a command is needed")
	}
	limit := x.Machine().Options().CommandLimit
	if limit <= 0 {
		limit = shellLimit
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errShellLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", args)
	out := &capped{max: dialplan.MaxText}
	cmd.Stdout = out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 100 * time.Millisecond // for what the shell has left in the background
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if _, exited := errors.AsType[*exec.ExitError](err); exited || errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if out.lost > 0 {
		x.Warn("SHELL(%s) printed %d bytes more than a text can have", args, out.lost)
	}
	return out.buf.String(), err
}

// capped keeps the first bytes that are written to it.
type capped struct {
	max  int
	buf  bytes.Buffer
	lost int
}

func (c *capped) Write(p []byte) (int, error) {
	n := min(len(p), c.max-c.buf.Len())
	c.buf.Write(p[:n])
	c.lost += len(p) - n
	return len(p), nil
}

// readEnv is ENV(name): a variable of the server's environment.
func readEnv(_ context.Context, _ *run.Exec, args string) (string, error) {
	return os.Getenv(args), nil
}

// writeEnv changes the environment of the whole server, as in Asterisk: the
// commands of SHELL, System and AGI shall see it. An empty value removes it.
func writeEnv(_ context.Context, _ *run.Exec, args, value string) error {
	if value == "" {
		return os.Unsetenv(args)
	}
	return os.Setenv(args, value)
}
