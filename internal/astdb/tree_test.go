package astdb

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// memory is a Tree over a list that is in order.
type memory []Entry

func (m memory) DBTree(_ context.Context, prefix string, each func(path, value string)) error {
	for _, e := range m {
		if prefix == "" || within(e.Path, prefix) {
			each(e.Path, e.Value)
		}
	}
	return nil
}

type broken struct{}

var errBroken = errors.New("disk on fire")

func (broken) DBTree(context.Context, string, func(path, value string)) error { return errBroken }

var entries = memory{
	{"FAM/z", "9"}, {"a/b/c/d", "nested"}, {"actionlist/DIALPROXY-home", "SIP/200"}, {"actionlist/empty", ""}, {"fam/K", "v"},
	{"fam_x/k", "1"}, {"other/K", "2"}, {"Über/k", "3"},
}

func names(list []Entry) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Name()+"="+e.Value)
	}
	return out
}

// spec: cli 5 and vectors c2_database_cli.txt.
func TestShow(t *testing.T) {
	for path, want := range map[string][]string{
		"":                               names(entries),
		"a":                              {"/a/b/c/d=nested"},
		"a/b":                            {"/a/b/c/d=nested"},
		"action":                         nil,
		"actionlist":                     {"/actionlist/DIALPROXY-home=SIP/200", "/actionlist/empty="},
		"actionlist/DIALPROXY-home":      {"/actionlist/DIALPROXY-home=SIP/200"},
		"actionlist/DIALPROXY":           nil,
		"fam":                            {"/fam/K=v"},             // exactly, and then no other case
		"Fam":                            {"/FAM/z=9", "/fam/K=v"}, // nothing is called so exactly
		"f_m":                            nil,
		"ACTIONLIST/dialproxy-HOME":      {"/actionlist/DIALPROXY-home=SIP/200"},
		"über":                           nil, // only ASCII letters are folded
		"%":                              nil,
		"actionlist/DIALPROXY-home/more": nil,
	} {
		list, err := Show(t.Context(), entries, path)
		if diff := cmp.Diff(want, names(list)); diff != "" || err != nil {
			t.Errorf("show %q (-want +got)\n%s%v", path, diff, err)
		}
	}
}

func TestShowKey(t *testing.T) {
	for key, want := range map[string][]string{
		"K": {"/fam/K=v", "/other/K=2"}, "d": {"/a/b/c/d=nested"}, "c/d": {"/a/b/c/d=nested"}, "fam": nil, "": nil, "/": nil, "ome": nil,
	} {
		list, err := ShowKey(t.Context(), entries, key)
		if diff := cmp.Diff(want, names(list)); diff != "" || err != nil {
			t.Errorf("showkey %q (-want +got)\n%s%v", key, diff, err)
		}
	}
}

func TestShowTellsErrors(t *testing.T) {
	if _, err := Show(t.Context(), broken{}, "x"); !errors.Is(err, errBroken) {
		t.Errorf("show: %v", err)
	}
	if _, err := ShowKey(t.Context(), broken{}, "x"); !errors.Is(err, errBroken) {
		t.Errorf("showkey: %v", err)
	}
}

func TestPath(t *testing.T) {
	for want, parts := range map[string][]string{
		"": {}, "a": {"a"}, "a/b": {"a", "b"}, "a/b/c": {"a/b", "c"}, "x/y": {"/x", "y/"}, "x//y": {"x/", "y"},
	} {
		if got := Path(parts...); got != want {
			t.Errorf("%q: %q, want %q", parts, got, want)
		}
	}
	if f, k := (Entry{Path: "a/b/c"}).Split(); f != "a" || k != "b/c" {
		t.Errorf("%q, %q", f, k)
	}
}

// deleter remembers what was to be deleted.
type deleter []string

func (d *deleter) DBDelTree(_ context.Context, prefix string) (int, error) {
	*d = append(*d, prefix)
	return 2, nil
}

func TestDelTreeOfNothing(t *testing.T) {
	var d deleter
	for path, want := range map[string]int{"": 0, "/": 0, "fam": 2} {
		if n, err := DelTree(t.Context(), &d, path); n != want || err != nil {
			t.Errorf("%q: %d, %v", path, n, err)
		}
	}
	if !slices.Equal(d, deleter{"fam"}) {
		t.Errorf("deleted %q", d)
	}
}

// taker takes batches until it fails.
type taker struct{ sizes []int }

func (k *taker) DBImport(_ context.Context, list []Entry, _ Options) (Counts, error) {
	if len(k.sizes) == 2 {
		return Counts{}, errBroken
	}
	k.sizes = append(k.sizes, len(list))
	return Counts{Added: len(list), Kept: 1}, nil
}

func TestImportInBatches(t *testing.T) {
	list := make([]Entry, 1001)
	k := &taker{}
	n, err := Import(t.Context(), k, list, Options{})
	if !errors.Is(err, errBroken) || n != (Counts{Added: 1000, Kept: 2}) || !slices.Equal(k.sizes, []int{500, 500}) {
		t.Errorf("%+v, %v, batches %d", n, err, k.sizes)
	}
	huge := Entry{Value: strings.Repeat("x", 3<<20)}
	var sizes []int
	for _, b := range Batches([]Entry{{}, huge, huge, {}, {}}) {
		sizes = append(sizes, len(b))
	}
	if !slices.Equal(sizes, []int{1, 1, 1, 2}) {
		t.Errorf("batches of %d", sizes)
	}
}
