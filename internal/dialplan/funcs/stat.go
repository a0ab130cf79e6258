package funcs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// readStat is STAT(flag,name): e exists, d is a directory, f a plain file, s its
// size, m its mode in octal with the type, A C M the seconds of its access,
// change and modification times. What is not there is 0 (Asterisk: func_env.c).
func readStat(_ context.Context, _ *run.Exec, args string) (string, error) {
	flag, name, ok := strings.Cut(args, ",")
	if !ok || flag == "" {
		return "0", errors.New("it must be written STAT(flag,name)")
	}
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return "0", err
	}
	kind := uint32(st.Mode) & unix.S_IFMT
	switch flag[0] {
	case 'e':
		return "1", nil
	case 'd':
		return oneOrZero(kind == unix.S_IFDIR), nil
	case 'f':
		return oneOrZero(kind == unix.S_IFREG), nil
	case 's':
		return strconv.FormatInt(st.Size, 10), nil
	case 'm':
		return fmt.Sprintf("%o", st.Mode), nil
	case 'A':
		return strconv.FormatInt(st.Atim.Sec, 10), nil
	case 'C':
		return strconv.FormatInt(st.Ctim.Sec, 10), nil
	case 'M':
		return strconv.FormatInt(st.Mtim.Sec, 10), nil
	}
	return "0", fmt.Errorf("there is no flag %q", flag)
}
