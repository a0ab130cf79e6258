package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/dialwright/dialwright/internal/door/rest/client"
	wire "github.com/dialwright/dialwright/internal/wire/cli"
)

// exitUnreachable is the exit status of rx and cli when there is no server.
const exitUnreachable = 2

// noAsterisk is what asterisk -r says then (observed: Asterisk 22.10).
const noAsterisk = "Unable to connect to remote asterisk (does /var/run/asterisk/asterisk.ctl exist?)"

// rxCmd gives a command of Asterisk's CLI.
type rxCmd struct {
	AsteriskExit bool     `help:"Exit as asterisk -rx does: 0 whatever the command does, 1 when the server cannot be reached."`
	Command      []string `arg:"" help:"The command, as one argument: \"core show channels\"."`
}

// Help is the long help.
func (rxCmd) Help() string {
	return "Commands, columns and texts are those of Asterisk 22: dialwright rx help lists them. Exit status: 0 done, 1 failed or used wrongly, " +
		"2 the server cannot be reached.\n\nA symbolic link named asterisk to this program takes -rx COMMAND and -r as Asterisk does."
}

// Run gives the command.
func (c rxCmd) Run(e *env) error {
	line := c.Command[0]
	if len(c.Command) > 1 {
		words := make([]string, len(c.Command))
		for i, w := range c.Command {
			words[i] = wire.Quote(w)
		}
		line = strings.Join(words, " ")
	}
	cl, err := e.client()
	if err != nil {
		return c.unreachable(e, err)
	}
	defer cl.Close()
	done, err := e.rx(cl, e.stdout, line)
	switch {
	case err != nil:
		return c.unreachable(e, err)
	case !done && !c.AsteriskExit:
		return status(exitError)
	}
	return nil
}

// unreachable says that the command did not get to the server.
func (c rxCmd) unreachable(e *env, err error) error {
	if c.AsteriskExit {
		fmt.Fprintln(e.stderr, noAsterisk)
		return status(exitError)
	}
	if _, answered := errors.AsType[*client.Error](err); answered || e.ctx.Err() != nil {
		return err
	}
	fmt.Fprintln(e.stderr, "dialwright:", err)
	return status(exitUnreachable)
}

// rx gives a command to the server and prints what it prints; done is false when it
// failed, was used wrongly or is unknown.
func (e *env) rx(cl *client.Client, w io.Writer, line string) (done bool, err error) {
	in := struct {
		Command string `json:"command"`
	}{line}
	var out struct {
		Output  string `json:"output"`
		Outcome string `json:"outcome"`
	}
	if err := cl.Post(e.ctx, "/v1/rx", in, &out); err != nil {
		return false, err
	}
	switch {
	case e.cli.JSON:
		e.printJSON(out)
	case e.tty:
		fmt.Fprint(w, cleanLines(out.Output))
	default:
		fmt.Fprint(w, out.Output)
	}
	return out.Outcome == "done", nil
}

// cleanLines is clean for a text of several lines.
func cleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = clean(l)
	}
	return strings.Join(lines, "\n")
}

// asterisk gives the arguments of our own for those of a program that was started under
// the name asterisk: -rx COMMAND, -r -x COMMAND and -rnx COMMAND give a command, -r alone
// is the prompt, -V the version. Options about colours and verbosity do not matter. ok is
// false for anything else, which would start an Asterisk.
func asterisk(args []string) (ours []string, ok bool) {
	var remote, given bool
	var line string
	for i := 0; i < len(args); i++ {
		letters, isOption := strings.CutPrefix(args[i], "-")
		if !isOption || letters == "" {
			return nil, false
		}
		for j := 0; j < len(letters); j++ {
			switch letters[j] {
			case 'r', 'R':
				remote = true
			case 'V':
				return []string{"rx", "--asterisk-exit", "core show version"}, true
			case 'n', 'v', 'd', 'q', 'm', 'T', 'W', 'B', 'I', 'i', 'g', 'h':
			case 'x', 'C', 's', 'U', 'G', 'L', 'M', 'e': // with a value: the rest of the word, or the next
				value := letters[j+1:]
				if value == "" {
					if i++; i == len(args) {
						return nil, false
					}
					value = args[i]
				}
				if letters[j] == 'x' {
					line, given = value, true
				}
				j = len(letters)
			default:
				return nil, false
			}
		}
	}
	switch {
	case given: // -x means -r (Asterisk: asterisk.c main)
		return []string{"rx", "--asterisk-exit", "--", line}, true
	case remote:
		return []string{"cli"}, true
	}
	return nil, false
}

// arguments gives the arguments of the command line: under the name asterisk, those of
// our own for them.
func arguments(args []string, stderr io.Writer) (ours []string, ok bool) {
	if filepath.Base(args[0]) != "asterisk" {
		return args[1:], true
	}
	ours, ok = asterisk(args[1:])
	if !ok {
		fmt.Fprintln(stderr, "asterisk: this is Dialwright; under this name it takes -rx COMMAND, -r and -V.\nStart the server with `dialwright serve`.")
	}
	return ours, ok
}
