package phone

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/media/codec"
)

// WriteTones writes raw mu-law: silence, a tone of 500 Hz, silence, in milliseconds.
func WriteTones(t testing.TB, name string, before, tone, after int) {
	t.Helper()
	pcm := make([]int16, 8*(before+tone+after))
	for i := range pcm[8*before : 8*(before+tone)] {
		pcm[8*before+i] = int16(10000 * math.Sin(2*math.Pi*500*float64(i)/8000))
	}
	ulaw, _ := codec.Lookup("PCMU")
	if err := os.WriteFile(name, ulaw.NewEncoder().Encode(nil, pcm), 0o644); err != nil {
		t.Fatal(err)
	}
}

// WriteDigits writes a script that sends digits as telephone-events (RFC 4733) to a port
// of 127.0.0.1, one second after it began: SIPp's own way needs raw sockets. Each is
// pressed for 160 ms, with as much between them. It waits without another process, which
// a busy machine would start late; and no byte is a newline, behind which bash would begin
// another datagram.
func WriteDigits(t testing.TB, name, digits string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("exec 3>/dev/udp/127.0.0.1/$1 4<> <(:)\npause() { read -rt \"$1\" -u 4 || true; }\npause 1\n")
	seq, stamp := uint16(16), uint32(8000)
	packet := func(event, volume byte, duration uint16, marker byte) {
		p := []byte{0x80, 101 | marker}
		p = binary.BigEndian.AppendUint16(p, seq)
		p = binary.BigEndian.AppendUint32(p, stamp)
		p = append(p, 0x12, 0x34, 0x56, 0x78, event, volume)
		p = binary.BigEndian.AppendUint16(p, duration)
		b.WriteString("printf '")
		for _, x := range p {
			fmt.Fprintf(&b, "\\x%02x", x)
		}
		b.WriteString("' >&3\n")
		seq++
	}
	for _, d := range digits {
		event := byte(strings.IndexRune("0123456789*#", d))
		for i := range uint16(8) {
			marker := byte(0)
			if i == 0 {
				marker = 0x80
			}
			packet(event, 12, 160*(i+1), marker)
			b.WriteString("pause 0.02\n")
		}
		for range 3 {
			packet(event, 0x80|12, 1280, 0)
		}
		b.WriteString("pause 0.16\n")
		stamp += 2560
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// WriteWAV writes 16-bit mono of 8 kHz with a tone.
func WriteWAV(t testing.TB, name string, ms int) {
	t.Helper()
	n := 8 * ms
	b := make([]byte, 44, 44+2*n)
	copy(b, "RIFF")
	binary.LittleEndian.PutUint32(b[4:], uint32(36+2*n))
	copy(b[8:], "WAVEfmt ")
	binary.LittleEndian.PutUint32(b[16:], 16)
	binary.LittleEndian.PutUint16(b[20:], 1)
	binary.LittleEndian.PutUint16(b[22:], 1)
	binary.LittleEndian.PutUint32(b[24:], 8000)
	binary.LittleEndian.PutUint32(b[28:], 16000)
	binary.LittleEndian.PutUint16(b[32:], 2)
	binary.LittleEndian.PutUint16(b[34:], 16)
	copy(b[36:], "data")
	binary.LittleEndian.PutUint32(b[40:], uint32(2*n))
	for i := range n {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(8000*math.Sin(2*math.Pi*440*float64(i)/8000))))
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
