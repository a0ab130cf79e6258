package apps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/wire/agi"
)

// runScript serves a program of the AGI directory, by its standard input and
// output. An exit code that is not 0 is a FAILURE, a file that is not there
// NOTFOUND (spec: dialplan 5.3).
func (s *agiSession) runScript(ctx context.Context, what string, args []string, env agi.Environment) (status string, err error) {
	dirs := s.x.Machine().Options().Dirs
	path, err := findScript(dirs.AGI, what)
	if err != nil {
		return agiNotFound, err
	}
	if !s.x.Allowed(run.Commands, "AGI("+what+")") {
		return agiFailure, nil
	}
	var audio *agiAudio
	if env.Enhanced {
		if audio, err = openAGIAudio(s.c); err != nil {
			return agiFailure, err
		}
		defer audio.close()
	}
	p, err := startScript(path, args, dirs, audio)
	if err != nil {
		return agiFailure, err
	}
	stop := make(chan struct{})
	commands, broken := readAGI(p.out, agiWriter(p.in), stop)
	err = agiWriter(p.in)(strings.TrimSuffix(env.String(), "\n"))
	if err == nil {
		err = s.serve(ctx, commands, p.hangUp)
	}
	if err == nil {
		err = broken()
	}
	close(stop)
	late, done := s.x.Machine().Outlive(ctx)
	defer done()
	exit := p.end(ctx, late, err != nil || s.dead)
	for range commands { // until the reader has gone
	}
	if said := p.said.String(); said != "" {
		s.x.Logger().Info("AGI script wrote to its standard error", "script", what, "text", said)
	}
	if err = cmp.Or(err, exit); err != nil {
		return agiFailure, err
	}
	return agiSuccess, nil
}

// findScript finds a program in the AGI directory, which a name cannot leave;
// an absolute name must lie in it.
func findScript(dir, name string) (path string, err error) {
	if dir == "" {
		return "", errors.New("there is no AGI directory")
	}
	if filepath.IsAbs(name) {
		if name, err = filepath.Rel(dir, name); err != nil {
			return "", err
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: %w", name, fs.ErrInvalid)
	}
	return filepath.Join(dir, name), nil
}

// agiProcess is a running script with all that it starts: a process group.
type agiProcess struct {
	cmd    *exec.Cmd
	in     *os.File // what it reads
	out    *os.File // what it writes
	said   *headWriter
	exited chan error
}

// startScript starts a program. It sees PATH, HOME, LANG and TZ of ours, the
// directories under the names that Asterisk uses, and nothing else.
func startScript(path string, args []string, dirs run.Dirs, audio *agiAudio) (*agiProcess, error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		_, _ = theirIn.Close(), in.Close()
		return nil, err
	}
	p := &agiProcess{cmd: exec.Command(path, args...), in: in, out: out, said: &headWriter{max: keptOutput}, exited: make(chan error, 1)}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirIn, theirOut, p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second // a child in the background may hold its standard error
	p.cmd.Env = scriptEnvironment(dirs)
	if audio != nil {
		p.cmd.ExtraFiles = []*os.File{audio.theirs}
	}
	err = p.cmd.Start()
	_, _ = theirIn.Close(), theirOut.Close() // the script has its own
	if err != nil {
		_, _ = in.Close(), out.Close()
		return nil, err
	}
	go func() { p.exited <- p.cmd.Wait() }()
	return p, nil
}

func scriptEnvironment(dirs run.Dirs) []string {
	env := []string{
		"AST_CONFIG_DIR=" + dirs.Etc, "AST_SPOOL_DIR=" + dirs.Spool, "AST_MONITOR_DIR=" + dirs.Monitor, "AST_VAR_DIR=" + dirs.Data,
		"AST_DATA_DIR=" + dirs.Data, "AST_LOG_DIR=" + dirs.Log, "AST_AGI_DIR=" + dirs.AGI, "AST_RUN_DIR=" + dirs.Run,
	}
	for _, name := range [...]string{"PATH", "HOME", "LANG", "TZ"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// hangUp tells the script, and what it has started, that the party has gone.
func (p *agiProcess) hangUp() { p.signal(syscall.SIGHUP) }

func (p *agiProcess) signal(sig syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, sig) // an empty group: all have ended
}

// end waits for the script's exit and gives what is wrong with it. One that has
// closed its output may go on until the call ends; force or the end of ctx hangs it
// up, and kills it agiGrace later, or when late ends.
func (p *agiProcess) end(ctx, late context.Context, force bool) error {
	_, _ = p.in.Close(), p.out.Close()
	if !force {
		select {
		case err := <-p.exited:
			return exitError(err)
		case <-ctx.Done():
		}
	}
	p.hangUp()
	t := time.NewTimer(agiGrace)
	defer t.Stop()
	var err error
	select {
	case err = <-p.exited:
	case <-t.C:
		p.signal(syscall.SIGKILL)
		err = <-p.exited
	case <-late.Done():
		p.signal(syscall.SIGKILL)
		err = <-p.exited
	}
	p.signal(syscall.SIGKILL) // children that it has left behind
	if force {
		return nil // what ended it is known
	}
	return exitError(err)
}

// exitError passes over a child that still writes to the standard error.
func exitError(err error) error {
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}
