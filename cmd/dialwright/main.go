// Command dialwright is the server and its command line. Every command but
// serve, demo, check, config and completion speaks to a running server: over the
// control socket in its data directory, or over HTTP with --server and --key.
//
// Exit statuses: 0 done (call: answered or connected), 1 usage or any other
// error, and for call: 2 busy, 3 no answer, 4 failed, 5 cancelled; for rx and cli: 2
// no server. Under the name asterisk it takes the arguments of asterisk -rx.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the dialplan names time zones; small machines have no table of them

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"
)

// The exit statuses.
const (
	exitOK        = 0
	exitError     = 1
	exitBusy      = 2
	exitNoAnswer  = 3
	exitFailed    = 4
	exitCancelled = 5
)

// cli is the grammar of the command line.
type cli struct {
	Config      string `short:"c" env:"DIALWRIGHT_CONFIG" placeholder:"FILE" help:"Configuration file; else dialwright.toml here, in the user's configuration directory or in /etc/dialwright."`
	AsteriskDir string `env:"DIALWRIGHT_ASTERISK_DIR" placeholder:"DIR" help:"Configuration directory of an Asterisk whose phones, trunks, dialplan and spool folder are taken over; the configuration file wins."`
	DataDir     string `env:"DIALWRIGHT_DATA_DIR" placeholder:"DIR" help:"Data directory of the server; else server.data_dir of the configuration."`
	Server      string `env:"DIALWRIGHT_SERVER" placeholder:"URL" help:"Speak to this server over HTTP instead of the control socket."`
	Key         string `env:"DIALWRIGHT_KEY" placeholder:"KEY" help:"API key for --server."`
	JSON        bool   `name:"json" help:"Print JSON, for programs."`

	Demo       demoCmd       `cmd:"" help:"Start a server with two phones on loopback and place a call through each door: the first two minutes."`
	Serve      serveCmd      `cmd:"" help:"Run the server."`
	Call       callCmd       `cmd:"" help:"Ring FIRST, then connect it with SECOND; prints the timeline, and the exit status says the outcome."`
	Queue      queueCmd      `cmd:"" help:"List calls that have not ended."`
	Cancel     cancelCmd     `cmd:"" help:"Withdraw calls, in any state."`
	Hangup     hangupCmd     `cmd:"" help:"Hang up the running attempt of calls."`
	History    historyCmd    `cmd:"" help:"List calls, newest first."`
	Export     exportCmd     `cmd:"" help:"Write calls as a table: CSV, XLSX or JSON lines."`
	Events     eventsCmd     `cmd:"" help:"Follow events."`
	Audit      auditCmd      `cmd:"" help:"List who asked for calls and what was denied, newest first."`
	Phones     phonesCmd     `cmd:"" help:"List phones and their states."`
	Trunks     trunksCmd     `cmd:"" help:"List trunks and their states."`
	Records    recordsCmd    `cmd:"" help:"List call detail records, newest first: of every attempt, and of what applications have dialled."`
	Bridges    bridgesCmd    `cmd:"" help:"List the bridges that there are now, or destroy those of applications all at once."`
	Link       linkCmd       `cmd:"" help:"Make, list and end signed links: addresses that ring a phone and connect it with a number."`
	Import     importCmd     `cmd:"" help:"Make calls of a list: CSV or XLSX."`
	Batch      batchCmd      `cmd:"" help:"List, pause, resume and cancel batches, and get their results."`
	APIKey     keyCmd        `cmd:"" name:"key" help:"Make, list and revoke API keys."`
	User       userCmd       `cmd:"" help:"List, make, change and remove users, and set their passwords and link secrets."`
	Console    consoleCmd    `cmd:"" help:"Print an address that logs a browser in to the web console, once."`
	Database   databaseCmd   `cmd:"" help:"Look into AstDB, change it, or import that of an Asterisk."`
	Route      routeCmd      `cmd:"" help:"Dry run: each step from the number as typed to what would be dialled."`
	Spool      spoolCmd      `cmd:"" help:"Write call files into the folder of a server or an Asterisk, the safe way: from flags, from a list, or from files."`
	Explain    explainCmd    `cmd:"" help:"Why a call ended as it did: each leg's SIP messages as a ladder, the cause in plain words, what to do."`
	Plan       dialplanCmd   `cmd:"" name:"dialplan" help:"Look into the dialplan: list it, expand a text, trace an extension."`
	Rx         rxCmd         `cmd:"" help:"Give a command of Asterisk's CLI, as asterisk -rx does."`
	CLI        cliCmd        `cmd:"" name:"cli" help:"A prompt for commands of Asterisk's CLI."`
	Check      checkCmd      `cmd:"" help:"Check the configuration; reports all mistakes at once."`
	Conf       configCmd     `cmd:"" name:"config" help:"Show, document, reload the configuration; make API keys, hash passwords, seal secrets."`
	Version    versionCmd    `cmd:"" help:"Print version and build."`
	Completion completionCmd `cmd:"" help:"Print a completion script for a shell."`
}

// env is what commands get from the outside world.
type env struct {
	ctx     context.Context // ends with the first interrupt
	stopNow context.Context // ends with the second
	hup     <-chan struct{} // SIGHUP
	stdout  io.Writer
	stderr  io.Writer
	tty     bool // stdout is a terminal
	cli     *cli
	parser  *kong.Kong
}

// status is an error that is nothing but an exit status: everything was said.
type status int

// Error gives the number.
func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func main() { os.Exit(runAs(os.Args, os.Stdout, os.Stderr)) }

// runAs is run for a whole command line, whose first word is the name that the program
// was started under.
func runAs(args []string, stdout, stderr *os.File) int {
	ours, ok := arguments(args, stderr)
	if !ok {
		return exitError
	}
	return run(ours, stdout, stderr)
}

// run parses args, runs the command and gives the exit status.
func run(args []string, stdout, stderr *os.File) int {
	var c cli
	exited := -1
	parser, err := newParser(&c, stdout, stderr, func(code int) { exited = code })
	if err != nil {
		fmt.Fprintln(stderr, "dialwright:", err) // a mistake of ours in the grammar
		return exitError
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "dialwright: %v\nTry `dialwright --help`.\n", err)
		return exitError
	}
	ctx, stopNow, hup, release := signals()
	defer release()
	e := &env{
		ctx: ctx, stopNow: stopNow, hup: hup, stdout: stdout, stderr: stderr,
		tty: isatty.IsTerminal(stdout.Fd()), cli: &c, parser: parser,
	}
	return e.exit(kctx.Run(e))
}

func newParser(c *cli, stdout, stderr io.Writer, exit func(int)) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("dialwright"),
		kong.Description("Dialwright originates calls: it rings one party, then connects it with another.\n\n"+
			"Exit status: 0 done, for call: answered or connected; 1 usage or other errors; for call also 2 busy, 3 no answer, 4 failed, 5 cancelled."),
		kong.Writers(stdout, stderr), kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
}

// exit reports err and gives the exit status.
func (e *env) exit(err error) int {
	if err == nil {
		return exitOK
	}
	if s, ok := errors.AsType[status](err); ok {
		return int(s)
	}
	if errors.Is(err, context.Canceled) && e.ctx.Err() != nil {
		return exitCancelled
	}
	fmt.Fprintln(e.stderr, "dialwright:", err)
	return exitError
}

// signals turns signals into contexts: the first interrupt or termination ends
// ctx, the second stopNow; SIGHUP is sent to hup.
func signals() (ctx, stopNow context.Context, hup <-chan struct{}, release func()) {
	ctx, cancel := context.WithCancel(context.Background()) // the process's own: it is the root
	now, cancelNow := context.WithCancel(context.Background())
	stops := make(chan os.Signal, 2)
	signal.Notify(stops, os.Interrupt, syscall.SIGTERM)
	hups := make(chan os.Signal, 1)
	signal.Notify(hups, syscall.SIGHUP)
	out := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		for n := 1; ; {
			select {
			case <-done:
				return
			case <-hups:
				select {
				case out <- struct{}{}:
				default: // one reload is waiting already; it will read the newest files
				}
			case <-stops:
				if n == 1 {
					cancel()
				} else {
					cancelNow()
				}
				n++
			}
		}
	}()
	return ctx, now, out, func() {
		signal.Stop(stops)
		signal.Stop(hups)
		close(done)
		cancel()
		cancelNow()
	}
}
