package funcs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// jsons lists JSON_DECODE (spec: dialplan 6.1).
func jsons() []run.Func { return []run.Func{{Name: "JSON_DECODE", Read: readJSON}} }

// readJSON is JSON_DECODE(variable,path[,separator[,options]]): what stands at
// the path in the JSON text of the variable. Texts are given as they are, true is 1,
// false 0, null and what is not there nothing, objects and arrays as JSON. The
// option c gives the number of an array's elements. A path that goes on behind a plain
// value gives that value.
func readJSON(ctx context.Context, x *run.Exec, args string) (string, error) {
	a, _ := plainArgs(args, 4)
	if a[0] == "" || a[1] == "" {
		return "", errors.New("the name of a variable and a path are needed")
	}
	sep := a[2]
	if sep == "" {
		sep = "."
	}
	text := expandName(ctx, x, a[0])
	if text == "" {
		return "", nil
	}
	if !json.Valid([]byte(text)) {
		return "", fmt.Errorf("the value of %s is not JSON: %.60s", a[0], text)
	}
	v := json.RawMessage(text)
	for key := range strings.SplitSeq(a[1], sep) {
		next, found, inside := jsonMember(v, key)
		if !inside {
			break
		}
		if !found {
			return "", nil
		}
		v = next
	}
	return jsonText(v, strings.Contains(a[3], "c"))
}

// jsonMember finds a key of an object or an index of an array. inside is
// false if v is neither.
func jsonMember(v json.RawMessage, key string) (member json.RawMessage, found, inside bool) {
	switch bytes.TrimLeft(v, " \t\r\n")[0] {
	case '{':
		var object map[string]json.RawMessage
		if json.Unmarshal(v, &object) != nil {
			return nil, false, true
		}
		member, found = object[key]
		return member, found, true
	case '[':
		var list []json.RawMessage
		i, err := strconv.Atoi(key)
		if err != nil || json.Unmarshal(v, &list) != nil || i < 0 || i >= len(list) {
			return nil, false, true
		}
		return list[i], true, true
	}
	return nil, false, false
}

// jsonText is a value as a text of the dialplan.
func jsonText(v json.RawMessage, count bool) (string, error) {
	v = bytes.TrimSpace(v)
	switch v[0] {
	case '"':
		var s string
		err := json.Unmarshal(v, &s)
		return s, err
	case 't':
		return "1", nil
	case 'f':
		return "0", nil
	case 'n':
		return "", nil
	case '[':
		if count {
			var list []json.RawMessage
			err := json.Unmarshal(v, &list)
			return strconv.Itoa(len(list)), err
		}
	case '{':
	default:
		return jsonNumber(string(v)), nil
	}
	var b bytes.Buffer
	err := json.Compact(&b, v)
	return b.String(), err
}

// jsonNumber leaves whole numbers as they are and writes others with up to 17
// digits, as Asterisk does: 1e3 is 1000, 0.1 is 0.10000000000000001.
func jsonNumber(s string) string {
	if !strings.ContainsAny(s, ".eE") {
		return s
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	return fmt.Sprintf("%.17g", n)
}
