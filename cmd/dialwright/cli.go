package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/rest/client"
)

// cliCmd is a prompt for commands of Asterisk's CLI.
type cliCmd struct{}

// Help is the long help.
func (cliCmd) Help() string {
	return "Tab completes, the arrow keys bring back earlier lines, which are kept in the user's state directory. help lists the commands, " +
		"!COMMAND runs a command of the shell, quit or exit leaves. Without a terminal it reads lines; the exit status is then 1 if one of the commands " +
		"did not do its work."
}

// Run reads lines and gives them to the server until the input ends.
func (cliCmd) Run(e *env) error {
	cl, err := e.client()
	if err != nil {
		return rxCmd{}.unreachable(e, err)
	}
	defer cl.Close()
	p := &prompt{e: e, cl: cl}
	version, _, err := p.complete("")
	if err != nil {
		return rxCmd{}.unreachable(e, err)
	}
	if e.tty && isatty.IsTerminal(os.Stdin.Fd()) {
		return p.onTerminal(os.Stdin, version)
	}
	return p.script(os.Stdin)
}

// prompt is somebody who gives commands.
type prompt struct {
	e    *env
	cl   *client.Client
	term *term.Terminal // nil: not on a terminal
}

// complete asks the server how a line may go on.
func (p *prompt) complete(line string) (version string, words []string, err error) {
	in := struct {
		Line string `json:"line"`
	}{line}
	var out struct {
		Words   []string
		Version string
	}
	err = p.cl.Post(p.e.ctx, "/v1/rx/complete", in, &out)
	return out.Version, out.Words, err
}

// script gives the lines of r. The first that cannot be given ends it.
func (p *prompt) script(r io.Reader) error {
	failed := false
	for in := bufio.NewScanner(r); in.Scan(); {
		line := strings.TrimSpace(in.Text())
		if leaves(line) {
			break
		}
		if command, ok := strings.CutPrefix(line, "!"); ok {
			failed = p.shell(command) != nil || failed
			continue
		}
		done, err := p.e.rx(p.cl, p.e.stdout, line)
		if err != nil {
			return rxCmd{}.unreachable(p.e, err)
		}
		failed = failed || !done
	}
	if failed {
		return status(exitError)
	}
	return nil
}

// leaves says whether a line ends the prompt.
func leaves(line string) bool { return line == "quit" || line == "exit" }

// shell runs a command of the user's shell; none opens one.
func (p *prompt) shell(command string) error {
	shell := os.Getenv("SHELL")
	if shell == "" {
		shell = "/bin/sh"
	}
	c := exec.CommandContext(p.e.ctx, shell)
	if command = strings.TrimSpace(command); command != "" {
		c.Args = append(c.Args, "-c", command)
	}
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, p.e.stdout, p.e.stderr
	return c.Run()
}

// onTerminal is the prompt with line editing.
func (p *prompt) onTerminal(tty *os.File, version string) error {
	fd := int(tty.Fd())
	cooked, err := term.MakeRaw(fd)
	if err != nil {
		return err
	}
	defer func() { _ = term.Restore(fd, cooked) }() // nothing can be done about it
	history := openHistory()
	defer history.close()
	host, _ := os.Hostname() // the prompt alone
	p.open(struct {
		io.Reader
		io.Writer
	}{tty, p.e.stdout}, host, history)
	if w, h, err := term.GetSize(fd); err == nil {
		_ = p.term.SetSize(w, h) // wrong sizes look bad, no more
	}
	fmt.Fprintf(p.term, "%s\nType help for the commands, quit to leave.\n", version)
	return p.loop(func(command string) error {
		if err := term.Restore(fd, cooked); err != nil {
			return err
		}
		runErr := p.shell(command)
		_, err := term.MakeRaw(fd)
		return errors.Join(runErr, err)
	})
}

// open makes the line editor on rw.
func (p *prompt) open(rw io.ReadWriter, host string, history term.History) {
	p.term = term.NewTerminal(rw, host+"*CLI> ")
	p.term.History = history
	p.term.AutoCompleteCallback = p.tab
}

// loop reads and gives lines until the input ends; ^C and ^D end it too. shell runs a
// command of the user's shell.
func (p *prompt) loop(shell func(command string) error) error {
	for {
		line, err := p.term.ReadLine()
		if errors.Is(err, io.EOF) || leaves(strings.TrimSpace(line)) {
			return nil
		}
		if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
			return err
		}
		line = strings.TrimSpace(line)
		if command, ok := strings.CutPrefix(line, "!"); ok {
			if err := shell(command); err != nil {
				fmt.Fprintln(p.term, err)
			}
			continue
		}
		if line == "" {
			continue
		}
		if _, err := p.e.rx(p.cl, p.term, line); err != nil {
			if p.e.ctx.Err() != nil {
				return context.Cause(p.e.ctx)
			}
			fmt.Fprintln(p.term, err)
		}
	}
}

// tab completes the word before the cursor: as far as all proposals agree, and when that
// adds nothing, it lists them.
func (p *prompt) tab(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	_, words, err := p.complete(line[:pos])
	if err != nil || len(words) == 0 {
		return line, pos, true
	}
	begin := wordStart(line[:pos])
	word := sameStart(words)
	if len(words) == 1 {
		word += " "
	} else if len(word) <= pos-begin {
		fmt.Fprintln(p.term, cleanLines(strings.Join(words, "  ")))
		return line, pos, true
	}
	return line[:begin] + word + line[pos:], begin + len(word), true
}

// wordStart gives where the last word of a line begins, quotes and backslashes heeded.
func wordStart(line string) int {
	start := len(line)
	var quoted, escaped, inside bool
	for i := range len(line) {
		blank := (line[i] == ' ' || line[i] == '\t') && !quoted && !escaped
		switch {
		case line[i] == '"' && !escaped:
			quoted = !quoted
		case line[i] == '\\' && !escaped:
			escaped = true
		default:
			escaped = false
		}
		if !blank && !inside {
			start = i
		}
		inside = !blank
	}
	if !inside {
		return len(line)
	}
	return start
}

// sameStart gives the longest beginning that all words share, without regard to case.
func sameStart(words []string) string {
	out := words[0]
	for _, w := range words[1:] {
		for len(w) < len(out) || !strings.EqualFold(w[:len(out)], out) {
			out = out[:len(out)-1]
		}
	}
	return out
}

// maxHistory is how many lines are kept.
const maxHistory = 1000

// history is the lines that were typed, in memory and in a file.
type history struct {
	lines []string // oldest first
	file  *os.File // nil: not kept
}

// openHistory reads the file of the user. What cannot be read or written is not kept.
func openHistory() *history {
	return loadHistory(filepath.Join(config.StateDir(), "cli_history"))
}

func loadHistory(name string) *history {
	h := &history{}
	if text, err := os.ReadFile(name); err == nil {
		for l := range strings.Lines(string(text)) {
			h.lines = append(h.lines, strings.TrimRight(l, "\n"))
		}
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return h
	}
	if len(h.lines) > maxHistory {
		h.lines = h.lines[len(h.lines)-maxHistory:]
		if os.WriteFile(name, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600) != nil {
			return h
		}
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		h.file = f
	}
	return h
}

func (h *history) close() {
	if h.file != nil {
		_ = h.file.Close() // each line is out already
	}
}

// Add keeps a line, unless it is that before it again.
func (h *history) Add(line string) {
	if line == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	if h.lines = append(h.lines, line); len(h.lines) > maxHistory {
		h.lines = h.lines[1:]
	}
	if h.file != nil {
		_, _ = fmt.Fprintln(h.file, line) // then it is not kept
	}
}

// Len counts the lines.
func (h *history) Len() int { return len(h.lines) }

// At gives a line; 0 is the newest.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
