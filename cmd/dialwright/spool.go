package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	wire "github.com/dialwright/dialwright/internal/wire/callfile"
)

// spoolCmd writes call files.
type spoolCmd struct {
	Files []string `arg:"" optional:"" placeholder:"FILE" help:"Call files to check and move into the folder."`

	Dir  string `placeholder:"DIR" help:"The folder; else callfile.dir of the configuration."`
	Name string `placeholder:"NAME" help:"Name of the file in the folder; else one is made up."`
	At   string `placeholder:"TIME" help:"When it is to be dialled: a time (2026-12-24T18:00:00+01:00) or a delay (90m)."`

	Channel     string   `placeholder:"TECH/DEST" help:"Who is called, such as PJSIP/101 or Local/5@office."`
	Context     string   `help:"Where an answered call goes on: context,"`
	Extension   string   `help:"extension,"`
	Priority    string   `help:"and priority; else 1."`
	Application string   `placeholder:"NAME" help:"Instead: run an application."`
	Data        string   `help:"Its arguments."`
	CallerID    string   `name:"caller-id" placeholder:"TEXT" help:"Caller ID, such as 'Sales <+4930123456>'."`
	Wait        period   `placeholder:"SECONDS" help:"How long the party may ring; else 45."`
	Retries     int      `placeholder:"N" help:"Further attempts after the first."`
	RetryTime   period   `placeholder:"SECONDS" help:"From the end of an attempt to the next; else 300."`
	Account     string   `help:"Account code, for the record."`
	Set         []string `sep:"none" placeholder:"NAME=VALUE" help:"Channel variable; may be repeated."`
	Codecs      string   `placeholder:"LIST" help:"Preferred codecs, with commas."`
	EarlyMedia  bool     `help:"Early media counts as the answer."`
	Archive     bool     `help:"Keep the file in the archive folder when it is done."`

	CSV       string  `name:"csv" placeholder:"FILE" help:"One call file per row of this list. Its first row names the columns."`
	Template  string  `placeholder:"FILE" help:"Call file in which {column} stands for the row's value."`
	Rate      float64 `placeholder:"N" help:"At most so many files per second."`
	DryRun    bool    `short:"n" help:"Print what would be written; write nothing."`
	KeepGoing bool    `help:"Write the good rows of a list although others have mistakes."`
}

// Help is the long help.
func (spoolCmd) Help() string {
	return "A file is written beside the folder, brought onto the disk and moved in, so that nobody ever sees half of it. " +
		"Needs no running server. Everything is checked before the first file is written; exit status 1 when anything is wrong."
}

// period is a time as call files write it: seconds; or a duration such as 2m.
type period time.Duration

// UnmarshalText reads "45" and "2m".
func (p *period) UnmarshalText(text []byte) error {
	s := string(text)
	if n, err := strconv.Atoi(s); err == nil {
		s = strconv.Itoa(n) + "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second || d%time.Second != 0 {
		return fmt.Errorf("%q is not a number of whole seconds, nor a duration such as 2m", text)
	}
	*p = period(d)
	return nil
}

func (p period) seconds() string {
	if p == 0 {
		return ""
	}
	return strconv.Itoa(int(time.Duration(p) / time.Second))
}

// spooled is a call file that is to be written.
type spooled struct {
	name, text string
	at         time.Time // its time; zero = now
	from       string    // file that is moved, "" = none
}

// Run checks everything, then writes.
func (c spoolCmd) Run(e *env) error {
	list, bad, err := c.files(e)
	if err != nil {
		return err
	}
	for _, err := range bad {
		fmt.Fprintln(e.stderr, clean(err.Error()))
	}
	switch {
	case c.DryRun:
		for _, f := range list {
			e.showSpooled(f)
		}
		fmt.Fprintf(e.stdout, "%d %s would be written, %d %s mistakes\n", len(list), noun(len(list), "file"), len(bad), noun(len(bad), "has", "have"))
	case len(bad) > 0 && !c.KeepGoing:
		return fmt.Errorf("%d of %d %s mistakes; nothing was written", len(bad), len(bad)+len(list), noun(len(bad), "has", "have"))
	default:
		if err := c.write(e, list); err != nil {
			return err
		}
	}
	if len(bad) > 0 {
		return status(exitError)
	}
	return nil
}

// noun gives the word for n things.
func noun(n int, one string, many ...string) string {
	switch {
	case n == 1:
		return one
	case len(many) > 0:
		return many[0]
	}
	return one + "s"
}

func (e *env) showSpooled(f spooled) {
	fmt.Fprintf(e.stdout, "--- %s", clean(f.name))
	if !f.at.IsZero() {
		fmt.Fprintf(e.stdout, " at %s", f.at.Format(time.RFC3339))
	}
	fmt.Fprintf(e.stdout, "\n%s", strings.ReplaceAll(f.text, "\r", ""))
}

// files makes or reads what is to be written. bad lists what is wrong with single ones.
func (c spoolCmd) files(e *env) (list []spooled, bad []error, err error) {
	at := time.Time{}
	if c.At != "" {
		if at, err = moment(c.At); err != nil {
			return nil, nil, fmt.Errorf("--at: %w", err)
		}
	}
	lines, err := c.lines()
	switch {
	case err != nil:
		return nil, nil, err
	case (c.CSV == "") != (c.Template == ""):
		return nil, nil, errors.New("--csv and --template belong together")
	case c.CSV != "" && (len(c.Files) > 0 || lines != "" || c.Name != ""):
		return nil, nil, errors.New("with --csv the template says what a file holds; leave out files, --name and the flags for single lines")
	case c.CSV != "":
		return c.rows(at)
	case len(c.Files) > 0 && (lines != "" || c.Name != ""):
		return nil, nil, errors.New("give either files or flags that make one")
	case len(c.Files) > 0:
		from := map[string]string{}
		for _, path := range c.Files {
			f, err := existing(e, path, at)
			if other := from[f.name]; err == nil && other != "" {
				err = fmt.Errorf("%s: %s has the same name, and the folder holds one file of a name", path, other)
			}
			if err != nil {
				bad = append(bad, err)
				continue
			}
			list, from[f.name] = append(list, f), path
		}
		return list, bad, nil
	}
	name := c.Name
	if name == "" {
		name = rand.Text()[:12] + ".call"
	}
	f := spooled{name: name, text: lines, at: at}
	return []spooled{f}, nil, f.check()
}

// lines gives the text that the flags make.
func (c spoolCmd) lines() (string, error) {
	var b strings.Builder
	var errs []error
	add := func(key, value string) {
		if value == "" {
			return
		}
		line, err := wire.Line(key, value)
		b.WriteString(line)
		errs = append(errs, err)
	}
	yes := func(v bool) string {
		if v {
			return "yes"
		}
		return ""
	}
	retries := ""
	if c.Retries != 0 {
		retries = strconv.Itoa(c.Retries)
	}
	for _, l := range [...][2]string{
		{"Channel", c.Channel}, {"CallerID", c.CallerID}, {"WaitTime", c.Wait.seconds()}, {"MaxRetries", retries}, {"RetryTime", c.RetryTime.seconds()},
		{"Account", c.Account}, {"Context", c.Context}, {"Extension", c.Extension}, {"Priority", c.Priority},
		{"Application", c.Application}, {"Data", c.Data}, {"Codecs", c.Codecs}, {"Early_media", yes(c.EarlyMedia)}, {"Archive", yes(c.Archive)},
	} {
		add(l[0], l[1])
	}
	for _, v := range c.Set {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			errs = append(errs, fmt.Errorf("--set %q: write it as NAME=VALUE", v))
			continue
		}
		add("Set", v)
	}
	return b.String(), errors.Join(errs...)
}

// check reads the file as a server would.
func (f *spooled) check() error {
	if f.name == "" || f.name != filepath.Base(f.name) || f.name == "." || f.name == ".." || len(f.name) > 255 || strings.ContainsRune(f.name, 0) {
		return fmt.Errorf("%q cannot be the name of a call file", f.name)
	}
	p := wire.Parse([]byte(f.text), false)
	errs := []error{p.Err()}
	for _, w := range p.Warnings {
		errs = append(errs, errors.New(w.String()))
	}
	if p.Application != "" && p.Extension != "" {
		errs = append(errs, errors.New("an application and an extension are given; Application would win"))
	}
	if p.MaxRetries < 0 {
		errs = append(errs, errors.New("with a negative MaxRetries nothing is ever dialled"))
	}
	return errors.Join(errs...)
}

// existing reads a call file that is to be moved in. It keeps its time.
func existing(e *env, path string, at time.Time) (spooled, error) {
	st, err := os.Stat(path)
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a file", path)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return spooled{}, err
	}
	if at.IsZero() {
		at = st.ModTime()
	}
	f := spooled{name: filepath.Base(path), text: string(text), at: at, from: path}
	p := wire.Parse(text, false)
	for _, w := range p.Warnings { // its owner may know
		fmt.Fprintf(e.stderr, "%s:%d: %s\n", clean(path), w.Line, clean(w.Text))
	}
	if err := p.Err(); err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// folder gives the folder that files are written to.
func (c spoolCmd) folder(e *env) (string, error) {
	dir := c.Dir
	if dir == "" {
		l, err := e.source().Load()
		if err != nil {
			return "", configError(err)
		}
		if dir = l.Config.Callfile.Dir; dir == "" {
			return "", errors.New("which folder? Give --dir, or set callfile.dir in the configuration")
		}
	}
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no folder %s; start the server first, or make it", dir)
	case err != nil:
		return "", err
	case !st.IsDir():
		return "", fmt.Errorf("%s is not a folder", dir)
	}
	return dir, nil
}
