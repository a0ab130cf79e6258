package funcs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// configs lists AST_CONFIG (spec: dialplan 6.2).
func configs() []run.Func { return []run.Func{{Name: "AST_CONFIG", Read: readConfig}} }

// readConfig is AST_CONFIG(file,section,key[,index]): a value of a file in the
// configuration directory, nothing if it is not there. Of several lines of that
// key the index tells which, from 0; -1 is the last.
func readConfig(_ context.Context, x *run.Exec, args string) (string, error) {
	a, given := plainArgs(args, 4)
	if given < 3 {
		return "", errors.New("it must be written AST_CONFIG(file,section,key[,index])")
	}
	dir := x.Machine().Options().ConfDir
	if dir == "" {
		return "", errors.New("there is no configuration directory")
	}
	index := 0
	if a[3] != "" {
		var err error
		if index, err = strconv.Atoi(a[3]); err != nil {
			return "", fmt.Errorf("%q is not a number of a line", a[3])
		}
	}
	file, _, err := conf.Load(conf.Dir(dir), a[0])
	if err != nil {
		return "", err
	}
	section := file.Section(a[1])
	if section == nil {
		return "", nil
	}
	var values []string
	for _, l := range section.Lines {
		if strings.EqualFold(l.Key, a[2]) {
			values = append(values, l.Value)
		}
	}
	if index < 0 {
		index += len(values)
	}
	if index < 0 || index >= len(values) {
		return "", nil
	}
	return values[index], nil
}
