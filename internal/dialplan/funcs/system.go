package funcs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// systems lists the functions that tell about the server (spec: dialplan 6.2).
func systems() []run.Func {
	return []run.Func{
		{Name: "SYSINFO", Read: readSysInfo},
		{Name: "VERSION", Read: readVersion},
	}
}

// The Asterisk as which the dialplan is run; scripts ask for it to know what they can do.
const (
	asteriskVersion    = "22.10.1"
	asteriskVersionNum = "221001"
)

// readVersion is VERSION([ASTERISK_VERSION_NUM|BUILD_OS|BUILD_MACHINE|BUILD_KERNEL|
// BUILD_DATE|BUILD_HOSTNAME|BUILD_USER]): the Asterisk that we stand for, or about
// our own build.
func readVersion(_ context.Context, _ *run.Exec, args string) (string, error) {
	switch args {
	case "ASTERISK_VERSION_NUM":
		return asteriskVersionNum, nil
	case "BUILD_OS":
		return runtime.GOOS, nil
	case "BUILD_MACHINE":
		return runtime.GOARCH, nil
	case "BUILD_HOSTNAME":
		return os.Hostname()
	case "BUILD_KERNEL":
		return runtime.Version(), nil
	case "BUILD_USER":
		return "dialwright", nil
	case "BUILD_DATE":
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, s := range info.Settings {
				if s.Key == "vcs.time" {
					return s.Value, nil
				}
			}
		}
		return "", nil
	}
	return asteriskVersion, nil
}

// memory is what SYSINFO tells of the machine; sizes in kilobytes.
type memory struct {
	load                          float64 // processes that could run, over the last minute
	uptime                        int64   // seconds
	totalRAM, freeRAM, bufferRAM  uint64
	totalSwap, freeSwap, procsRun uint64
}

// readSysInfo is SYSINFO(loadavg|numcalls|uptime|totalram|freeram|bufferram|
// totalswap|freeswap|numprocs): uptime in hours, sizes in kilobytes.
func readSysInfo(_ context.Context, x *run.Exec, args string) (string, error) {
	switch args {
	case "":
		return "", errors.New("it must be written SYSINFO(parameter)")
	case "numcalls":
		return strconv.Itoa(len(x.Machine().Switch().Channels())), nil
	}
	m, err := sysinfo()
	if err != nil {
		return "", err
	}
	switch args {
	case "loadavg":
		return strconv.FormatFloat(m.load, 'f', 6, 64), nil
	case "uptime":
		return strconv.FormatInt(m.uptime/3600, 10), nil
	}
	sizes := map[string]uint64{
		"totalram": m.totalRAM, "freeram": m.freeRAM, "bufferram": m.bufferRAM, "totalswap": m.totalSwap, "freeswap": m.freeSwap, "numprocs": m.procsRun,
	}
	if v, ok := sizes[args]; ok {
		return strconv.FormatUint(v, 10), nil
	}
	return "", fmt.Errorf("there is no %q of the system", args)
}
