package phone

import (
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// Every packet of a digit is one datagram, whatever bytes are in it.
func TestWriteDigits(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const digits = "12#"
	script := filepath.Join(t.TempDir(), "digits.sh")
	WriteDigits(t, script, digits)
	if out, err := exec.CommandContext(t.Context(), "bash", script, strconv.Itoa(conn.LocalAddr().(*net.UDPAddr).Port)).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	b := make([]byte, 1500)
	ends := map[byte]int{}
	for range len(digits) * (8 + 3) {
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if n != 16 {
			t.Fatalf("datagram of %d bytes: %x", n, b[:n])
		}
		if b[13]&0x80 != 0 {
			ends[b[12]]++
		}
	}
	if ends[1] != 3 || ends[2] != 3 || ends[11] != 3 {
		t.Errorf("ends of digits: %v", ends)
	}
}
