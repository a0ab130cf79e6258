package callfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/originate"
)

// check compares what was seen so far with what is expected.
func (c *vectorCase) check() error {
	if c.house == nil {
		c.readChild()
	}
	c.mu.Lock()
	trace, attempts := slices.Clone(c.trace), c.attempts
	c.mu.Unlock()
	e := c.v.Expect
	var errs []error
	if attempts != e.Attempts {
		errs = append(errs, fmt.Errorf("%d attempts, want %d", attempts, e.Attempts))
	}
	errs = append(errs, sameTrace(trace, e.Trace, e.Unordered), c.sameQueue(e.Queue), c.sameArchive(e.Archive))
	if e.failed != nil {
		errs = append(errs, e.failed(c.path("outgoing_failed", "")))
	}
	if e.detail != "" {
		errs = append(errs, c.sameDetail(e.detail))
	}
	return errors.Join(errs...)
}

// readChild reads what the child has noted.
func (c *vectorCase) readChild() {
	b, err := os.ReadFile(filepath.Join(c.dir, "trace"))
	c.must(err)
	c.mu.Lock()
	c.trace, c.attempts = nil, 0
	c.mu.Unlock()
	for line := range strings.Lines(string(b)) {
		at, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		ns, err := strconv.ParseInt(at, 10, 64)
		c.must(err)
		c.note(time.Unix(0, ns), text)
	}
}

// sameTrace compares with the tolerance of the vectors: -0.3 s to +1.2 s.
func sameTrace(got, want []traced, unordered bool) error {
	want = slices.Clone(want)
	if unordered {
		byText := func(a, b traced) int { return strings.Compare(a.Text, b.Text) }
		slices.SortStableFunc(got, byText)
		slices.SortStableFunc(want, byText)
	}
	show := func(list []traced) (s string) {
		for _, x := range list {
			s += fmt.Sprintf("\n\t%.1f %s", x.T, x.Text)
		}
		return s
	}
	same := slices.EqualFunc(got, want, func(g, w traced) bool {
		return g.Text == w.Text && g.T >= w.T-0.3 && g.T <= w.T+1.2
	})
	if !same {
		return fmt.Errorf("trace:%s\nwant:%s", show(got), show(want))
	}
	return nil
}

func (c *vectorCase) sameQueue(want map[string]queuedFile) error {
	got, err := readAll(c.path("outgoing", ""))
	if err != nil {
		return err
	}
	if g, w := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(g, w) {
		return fmt.Errorf("files in the folder: %q, want %q", g, w)
	}
	for name, w := range want {
		g := got[name]
		if err := c.sameText(g.Text, w.Text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		st, err := os.Stat(c.path("outgoing", name))
		if err != nil {
			return err
		}
		if d := st.ModTime().Sub(c.begun).Seconds() - float64(w.Mtime); d < -1 || d > 1.9 { // whole seconds, tolerance 1
			return fmt.Errorf("%s: time is T%+.1f, want T%+d", name, st.ModTime().Sub(c.begun).Seconds(), w.Mtime)
		}
	}
	return nil
}

func (c *vectorCase) sameArchive(want map[string]string) error {
	got, err := readAll(c.path("outgoing_done", ""))
	if err != nil {
		return err
	}
	if g, w := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(g, w) {
		return fmt.Errorf("archived files: %q, want %q", g, w)
	}
	for name, w := range want {
		if err := c.sameText(got[name].Text, w); err != nil {
			return fmt.Errorf("archived %s: %w", name, err)
		}
	}
	return nil
}

func readAll(dir string) (map[string]queuedFile, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := map[string]queuedFile{}
	for _, e := range list {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[e.Name()] = queuedFile{Text: string(b)}
	}
	return out, nil
}

var placeholder = regexp.MustCompile(`<PID>|<T\+(\d+)>`)

// sameText compares a file with its expected text, <PID> any number, <T+n> the
// time of delivery plus n with a tolerance of 1.
func (c *vectorCase) sameText(got, want string) error {
	if c.dial != "" {
		want = c.text(want)
	}
	var times []int
	pattern := "^"
	last := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(want, -1) {
		pattern += regexp.QuoteMeta(want[last:m[0]])
		last = m[1]
		if m[2] < 0 {
			pattern += `\d+`
			continue
		}
		n, _ := strconv.Atoi(want[m[2]:m[3]])
		times = append(times, n)
		pattern += `(\d+)`
	}
	pattern += regexp.QuoteMeta(want[last:]) + "$"
	m := regexp.MustCompile(pattern).FindStringSubmatch(got)
	if m == nil {
		return fmt.Errorf("text is %q, want %q", got, want)
	}
	for i, n := range times {
		at, _ := strconv.ParseInt(m[i+1], 10, 64)
		if d := at - c.begun.Unix() - int64(n); d < -1 || d > 1 {
			return fmt.Errorf("time T%+d in %q, want T+%d", at-c.begun.Unix(), got, n)
		}
	}
	return nil
}

// sameDetail looks into the record of the only call.
func (c *vectorCase) sameDetail(want string) error {
	list, _, err := c.house.o.CDRs(c.Context(), originate.Filter{})
	if err != nil {
		return err
	}
	if len(list) != 1 || list[0].Detail != want {
		return fmt.Errorf("records %+v, want one with detail %s", list, want)
	}
	return nil
}
