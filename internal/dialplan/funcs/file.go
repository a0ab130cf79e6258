package funcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// files lists the functions for which files must be allowed (spec: dialplan
// 6.2, D7).
func files() []run.Func {
	return []run.Func{
		{Name: "STAT", Danger: run.Files, Read: readStat},
		{Name: "FILE", Danger: run.Files, Read: readFile, Write: writeFile},
		{Name: "FILE_COUNT_LINE", Danger: run.Files, Read: readFileCount},
		{Name: "FILE_FORMAT", Danger: run.Files, Read: readFileFormat},
	}
}

// maxFile is the largest file that FILE reads or writes.
const maxFile = 16 << 20

// fileArgs are the arguments of FILE.
type fileArgs struct {
	name      string
	offset    int
	length    int
	hasOffset bool
	hasLength bool
	lines     bool // l: offset and length count lines
	append    bool // a
	bare      bool // d: no end of line behind what is written
	format    string
}

// parseFileArgs reads "name[,offset[,length[,options[,format]]]]".
func parseFileArgs(args string) (f fileArgs, err error) {
	a, _ := plainArgs(args, 5)
	f.name = a[0]
	if f.name == "" {
		return f, errors.New("the name of a file is needed")
	}
	for i, n := range [...]*int{&f.offset, &f.length} {
		if a[i+1] == "" {
			continue
		}
		if *n, err = strconv.Atoi(strings.TrimSpace(a[i+1])); err != nil || *n > maxFile || *n < -maxFile {
			return f, errors.New("offset and length must be numbers")
		}
	}
	f.hasOffset, f.hasLength = a[1] != "", a[2] != ""
	f.lines = strings.Contains(a[3], "l")
	f.append = strings.Contains(a[3], "a")
	f.bare = strings.Contains(a[3], "d")
	f.format = a[4]
	return f, nil
}

// lineEnd gives what ends a line in a format, "" asks the text.
func lineEnd(format, text string) string {
	if format == "" {
		format = formatOf(text)
	}
	switch {
	case strings.HasPrefix(format, "d"):
		return "\r\n"
	case strings.HasPrefix(format, "m"):
		return "\r"
	}
	return "\n"
}

// formatOf is u, d or m, by the first end of line; x without one.
func formatOf(text string) string {
	switch i := strings.IndexAny(text, "\r\n"); {
	case i < 0:
		return "x"
	case text[i] == '\n':
		return "u"
	case strings.HasPrefix(text[i:], "\r\n"):
		return "d"
	}
	return "m"
}

// section finds the bytes that offset and length mean. Negative offsets count
// from the end, negative lengths leave that much off it.
func (f *fileArgs) section(text, end string) (from, to int, err error) {
	bounds := []int{} // where units begin, and the end; of bytes they are not listed
	units := len(text)
	if f.lines {
		for at := 0; at < len(text); {
			bounds = append(bounds, at)
			i := strings.Index(text[at:], end)
			if i < 0 {
				break
			}
			at += i + len(end)
		}
		units = len(bounds)
		bounds = append(bounds, len(text))
	}
	at := func(unit int) int {
		unit = min(max(unit, 0), units)
		if f.lines {
			return bounds[unit]
		}
		return unit
	}
	first := f.offset
	if first < 0 {
		if first += units; first < 0 {
			return 0, 0, fmt.Errorf("the offset %d lies before the beginning of %s", f.offset, f.name)
		}
	}
	last := units
	switch {
	case f.hasLength && f.length < 0:
		last = units + f.length
	case f.hasLength:
		last = first + f.length
	}
	return at(first), max(at(first), at(last)), nil
}

// loadFile reads a file of bounded size.
func loadFile(name string) (string, error) {
	r, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if len(b) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	return string(b), err
}

// readFile is FILE(name[,offset[,length[,options[,format]]]]): the file or a part
// of it; option l counts in lines, whose ends belong to them (Asterisk: func_env.c).
func readFile(_ context.Context, x *run.Exec, args string) (string, error) {
	f, err := parseFileArgs(args)
	if err != nil {
		return "", err
	}
	text, err := loadFile(f.name)
	if err != nil {
		return "", err
	}
	from, to, err := f.section(text, lineEnd(f.format, text))
	if err != nil {
		return "", err
	}
	return text[from:to], nil
}

// writeFile is Set(FILE(name[,offset[,length[,options[,format]]]])=text): the
// part is replaced, without one the whole file; a appends. With l an end of
// line follows, unless d is given: an empty text with ld removes lines.
func writeFile(_ context.Context, x *run.Exec, args, value string) error {
	f, err := parseFileArgs(args)
	if err != nil {
		return err
	}
	mu := x.Machine().Value("files", func() any { return new(sync.Mutex) }).(*sync.Mutex)
	mu.Lock() // two calls that change one file do it one after the other
	defer mu.Unlock()
	text, err := loadFile(f.name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	end := lineEnd(f.format, text)
	if f.lines && !f.bare {
		value += end
	}
	switch {
	case f.append:
		text += value
	case !f.hasOffset && !f.hasLength:
		text = value
	default:
		if missing := f.offset - len(text); !f.lines && missing > 0 {
			text += strings.Repeat("\x00", missing)
		}
		from, to, err := f.section(text, end)
		if err != nil {
			return err
		}
		text = text[:from] + value + text[to:]
	}
	return os.WriteFile(f.name, []byte(text), 0o644)
}

// readFileCount is FILE_COUNT_LINE(name[,format]).
func readFileCount(_ context.Context, _ *run.Exec, args string) (string, error) {
	a := append(dialplan.SplitArgs(args), "", "")
	text, err := loadFile(dialplan.Plain(a[0]))
	if err != nil {
		return "-1", err
	}
	return strconv.Itoa(strings.Count(text, lineEnd(a[1], text))), nil
}

// readFileFormat is FILE_FORMAT(name): u, d or m for \n, \r\n or \r; x if no
// line ends.
func readFileFormat(_ context.Context, _ *run.Exec, args string) (string, error) {
	text, err := loadFile(dialplan.Plain(args))
	if err != nil {
		return "", err
	}
	return formatOf(text), nil
}
