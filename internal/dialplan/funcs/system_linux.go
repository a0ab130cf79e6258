package funcs

import "golang.org/x/sys/unix"

// sysinfo asks the kernel.
func sysinfo() (memory, error) {
	var s unix.Sysinfo_t
	if err := unix.Sysinfo(&s); err != nil {
		return memory{}, err
	}
	kb := func(n uint64) uint64 { return n * uint64(s.Unit) / 1024 }
	return memory{
		load: float64(s.Loads[0]) / 65536, uptime: int64(s.Uptime),
		totalRAM: kb(uint64(s.Totalram)), freeRAM: kb(uint64(s.Freeram)), bufferRAM: kb(uint64(s.Bufferram)),
		totalSwap: kb(uint64(s.Totalswap)), freeSwap: kb(uint64(s.Freeswap)), procsRun: uint64(s.Procs),
	}, nil
}
