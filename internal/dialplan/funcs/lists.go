package funcs

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// lists lists the functions that see fields in a text (spec: dialplan 6.1).
// Those that read a list are given the name of the variable that holds it.
func lists() []run.Func {
	return []run.Func{
		{Name: "CUT", Read: readCut},
		{Name: "FIELDQTY", Read: readFieldQty},
		{Name: "FIELDNUM", Read: readFieldNum},
		{Name: "LISTFILTER", Read: readListFilter},
		{Name: "SORT", Read: readSort},
		{Name: "ARRAY", Write: writeArray},
		{Name: "PUSH", Write: grow(false)},
		{Name: "UNSHIFT", Write: grow(true)},
		{Name: "POP", Read: shrink(false)},
		{Name: "SHIFT", Read: shrink(true)},
	}
}

// fieldRange is one part of CUT's third argument; both ends are included.
type fieldRange struct{ from, to int }

// parseFields reads "1&3-4&6-"; also "-2". What follows a part is not looked at.
func parseFields(s string) ([]fieldRange, bool) {
	var out []fieldRange
	for part := range strings.SplitSeq(s, "&") {
		r := fieldRange{1, math.MaxInt}
		from, rest, hasFrom := leadingNumber(strings.TrimLeft(part, blanks))
		to, _, hasTo := leadingNumber(strings.TrimPrefix(rest, "-"))
		dash := strings.HasPrefix(rest, "-")
		switch {
		case hasFrom && !dash:
			r.from, r.to = from, from
		case hasFrom:
			r.from = from
		case !dash || !hasTo:
			return nil, false
		}
		if dash && hasTo {
			r.to = to
		}
		out = append(out, r)
	}
	return out, true
}

// leadingNumber reads the digits that s begins with.
func leadingNumber(s string) (n int, rest string, ok bool) {
	rest = strings.TrimLeft(s, "0123456789")
	n, err := strconv.Atoi(s[:len(s)-len(rest)])
	return n, rest, err == nil
}

// readCut is CUT(variable,delimiter,fields). Fields can only be asked for in
// their order: what lies before the last one given is passed.
func readCut(ctx context.Context, x *run.Exec, args string) (string, error) {
	a, _ := plainArgs(args, 3)
	if a[0] == "" || a[2] == "" {
		return "", errors.New("it must be written CUT(variable,delimiter,fields)")
	}
	ranges, ok := parseFields(a[2])
	if !ok {
		return "", errors.New("fields are written like 1, 2-3, 2-, -2 or 1&4")
	}
	sep := delimiter(a[1], '-')
	v := expandName(ctx, x, a[0])
	if v == "" {
		return "", nil
	}
	fields := strings.Split(v, sep)
	var out []string
	next := 1 // the first field that has not been passed
	for _, r := range ranges {
		if r.from < next {
			x.Warn("CUT(%s): the field %d has been passed already", args, r.from)
		}
		for next = max(next, min(r.from, len(fields)+1)); next <= len(fields) && next <= r.to; next++ {
			out = append(out, fields[next-1])
		}
	}
	return strings.Join(out, sep), nil
}

// readFieldQty is FIELDQTY(variable,delimiter): the number of fields, 0 if the
// value is empty. Without a delimiter all is one field.
func readFieldQty(ctx context.Context, x *run.Exec, args string) (string, error) {
	a, _ := plainArgs(args, 2)
	v := expandName(ctx, x, a[0])
	switch {
	case a[0] == "" || v == "":
		return "0", nil
	case a[1] == "":
		return "1", nil
	}
	return strconv.Itoa(strings.Count(v, delimiter(a[1], '-')) + 1), nil
}

// readFieldNum is FIELDNUM(variable,delimiter,value): the place of the first
// field of that value, in any case, from 1; 0 if there is none.
func readFieldNum(ctx context.Context, x *run.Exec, args string) (string, error) {
	a, given := plainArgs(args, 3)
	if given < 3 || a[0] == "" || a[1] == "" {
		return "", errors.New("it must be written FIELDNUM(variable,delimiter,value)")
	}
	v := expandName(ctx, x, a[0])
	if v == "" {
		return "0", nil
	}
	fields := strings.Split(v, delimiter(a[1], '-'))
	return strconv.Itoa(slices.IndexFunc(fields, func(f string) bool { return strings.EqualFold(f, a[2]) }) + 1), nil
}

// readListFilter is LISTFILTER(variable,delimiter,value): the list without the
// fields of that value.
func readListFilter(ctx context.Context, x *run.Exec, args string) (string, error) {
	a, given := plainArgs(args, 3)
	if given < 2 || a[0] == "" {
		return "", errors.New("it must be written LISTFILTER(variable,delimiter,value)")
	}
	v := expandName(ctx, x, a[0])
	if v == "" || given < 3 {
		return v, nil
	}
	sep := delimiter(a[1], ',')
	fields := slices.DeleteFunc(strings.Split(v, sep), func(f string) bool { return f == a[2] })
	return strings.Join(fields, sep), nil
}

// readSort is SORT(key:number,…): the keys in the order of their numbers; what
// has no colon is left out.
func readSort(_ context.Context, _ *run.Exec, args string) (string, error) {
	type entry struct {
		key string
		by  float64
	}
	var list []entry
	for part := range strings.SplitSeq(args, ",") {
		if key, by, ok := strings.Cut(part, ":"); ok {
			n, _, _ := scanFloat(by)
			list = append(list, entry{key, n})
		}
	}
	slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(a.by, b.by) })
	keys := make([]string, len(list))
	for i, e := range list {
		keys[i] = e.key
	}
	return strings.Join(keys, ","), nil
}

// writeArray is Set(ARRAY(a,b)=1,2): each variable gets its part of the value;
// those without one get nothing. \, is a comma.
func writeArray(ctx context.Context, x *run.Exec, args, value string) error {
	names := dialplan.SplitArgs(args)
	if len(names) == 0 {
		return errors.New("the names of variables are needed")
	}
	setEach(ctx, x, names, value)
	return nil
}

func setEach(ctx context.Context, x *run.Exec, names []string, value string) {
	values := dialplan.SplitArgs(value)
	for i, name := range names {
		if name = strings.TrimSpace(dialplan.Plain(name)); name == "" {
			continue
		}
		var v string
		if i < len(values) {
			v = dialplan.Plain(values[i])
		}
		x.Set(ctx, name, v)
	}
}

// grow is Set(PUSH(variable[,delimiter])=value), at the beginning UNSHIFT.
func grow(front bool) func(context.Context, *run.Exec, string, string) error {
	return func(ctx context.Context, x *run.Exec, args, value string) error {
		a, _ := plainArgs(args, 2)
		if a[0] == "" {
			return errors.New("the name of a variable is needed")
		}
		list, sep := expandName(ctx, x, a[0]), delimiter(a[1], ',')
		switch {
		case list == "":
			list = value
		case front:
			list = value + sep + list
		default:
			list += sep + value
		}
		if len(list) > dialplan.MaxText {
			return errors.New("the list would be too long")
		}
		x.Set(ctx, a[0], list)
		return nil
	}
}

// shrink is POP(variable[,delimiter]), which takes the last field out of the
// list and gives it; SHIFT takes the first.
func shrink(front bool) func(context.Context, *run.Exec, string) (string, error) {
	return func(ctx context.Context, x *run.Exec, args string) (string, error) {
		a, _ := plainArgs(args, 2)
		if a[0] == "" {
			return "", errors.New("the name of a variable is needed")
		}
		list, sep := expandName(ctx, x, a[0]), delimiter(a[1], ',')
		if list == "" {
			return "", nil
		}
		field, rest := list, ""
		switch i := strings.LastIndex(list, sep); {
		case front:
			field, rest, _ = strings.Cut(list, sep)
		case i >= 0:
			field, rest = list[i+1:], list[:i]
		}
		x.Set(ctx, a[0], rest)
		return field, nil
	}
}
