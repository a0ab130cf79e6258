package funcs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// hashes lists the functions for tables of values (spec: dialplan 6.1 HASH).
// HASH(h,k) is kept in the channel variable ~HASH~h~k~, as in Asterisk: the
// application ClearHash and inheritance find it there.
func hashes() []run.Func {
	return []run.Func{
		{Name: "HASH", Read: readHash, Write: writeHash},
		{Name: "HASHKEYS", Read: readHashKeys},
	}
}

const hashPrefix = "~HASH~"

func hashVariable(hash, key string) string { return hashPrefix + hash + "~" + key + "~" }

// hashOrder is what a channel remembers of its hashes beside the values.
type hashOrder struct {
	mu     sync.Mutex // guards the fields below
	newest []string   // names of variables, the one that was written last first
	fields []string   // keys that HASH(h) or CURL() gave last; HASH(h)= puts its values there
}

func hashOrderOf(x *run.Exec) *hashOrder {
	return x.Value("hash", func() any { return new(hashOrder) }).(*hashOrder)
}

// wrote notes that a variable was written last of all.
func (o *hashOrder) wrote(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.newest = slices.Insert(slices.DeleteFunc(o.newest, func(n string) bool { return n == name }), 0, name)
}

// place is 0 for what was written last; behind all for what was not noted.
func (o *hashOrder) place(name string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := slices.Index(o.newest, name); i >= 0 {
		return i
	}
	return len(o.newest)
}

func (o *hashOrder) setFields(keys []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fields = keys
}

func (o *hashOrder) getFields() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fields
}

// hashArgs reads "hash[,key]"; ok is false without a key.
func hashArgs(args string) (hash, key string, ok bool) {
	a := dialplan.SplitArgsN(args, 2)
	switch len(a) {
	case 0:
		return "", "", false
	case 1:
		return dialplan.Plain(a[0]), "", strings.HasSuffix(args, ",")
	}
	return dialplan.Plain(a[0]), a[1], true
}

// keysOf gives the keys of a hash, the one written last first, as Asterisk's
// lists of variables have them; then, sorted, those that were inherited.
func keysOf(x *run.Exec, hash string) []string {
	prefix := hashVariable(hash, "")
	prefix = prefix[:len(prefix)-1]
	order := hashOrderOf(x)
	type entry struct {
		key   string
		place int
	}
	var found []entry
	for _, v := range x.Channel().Variables() {
		rest, ok := strings.CutPrefix(strings.TrimLeft(v.Name, "_"), prefix)
		if !ok || !strings.HasSuffix(rest, "~") {
			continue
		}
		found = append(found, entry{strings.TrimSuffix(rest, "~"), order.place(prefix + rest)})
	}
	slices.SortStableFunc(found, func(a, b entry) int { return a.place - b.place })
	keys := make([]string, len(found))
	for i, e := range found {
		keys[i] = e.key
	}
	return keys
}

func setHash(ctx context.Context, x *run.Exec, hash, key, value string) {
	name := hashVariable(hash, key)
	hashOrderOf(x).wrote(name)
	x.Set(ctx, name, value)
}

// readHash is HASH(hash,key), and HASH(hash): all values, separated by commas.
func readHash(_ context.Context, x *run.Exec, args string) (string, error) {
	hash, key, one := hashArgs(args)
	if one {
		v, _ := x.Channel().PlainVariable(hashVariable(hash, key))
		return v, nil
	}
	if hash == "" {
		return "", nil
	}
	keys := keysOf(x, hash)
	hashOrderOf(x).setFields(keys)
	values := make([]string, len(keys))
	for i, k := range keys {
		values[i], _ = x.Channel().PlainVariable(hashVariable(hash, k))
	}
	return strings.Join(values, ","), nil
}

// readHashKeys is HASHKEYS(hash): its keys, separated by commas.
func readHashKeys(_ context.Context, x *run.Exec, args string) (string, error) {
	if args == "" {
		return "", nil
	}
	return strings.Join(keysOf(x, args), ","), nil
}

// writeHash is Set(HASH(hash,key)=value), and Set(HASH(hash)=a,b): the values
// go to the keys that HASH(other) gave last, or the columns of CURL().
func writeHash(ctx context.Context, x *run.Exec, args, value string) error {
	hash, key, one := hashArgs(args)
	if hash == "" {
		return errors.New("the name of a hash is needed")
	}
	if one {
		setHash(ctx, x, hash, key, value)
		return nil
	}
	values := dialplan.SplitArgs(value)
	for i, k := range hashOrderOf(x).getFields() {
		var v string
		if i < len(values) {
			v = dialplan.Plain(values[i])
		}
		setHash(ctx, x, hash, k, v)
	}
	return nil
}
