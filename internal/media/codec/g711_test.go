package codec

import (
	"testing"

	"github.com/zaf/g711"
)

// TestG711TablesAreTheLaws compares the tables with the computed laws over all
// samples and codes.
func TestG711TablesAreTheLaws(t *testing.T) {
	for _, law := range []struct {
		c        companded
		compress func(int16) uint8
		expand   func(uint8) int16
	}{{pcmu, g711.EncodeUlawFrame, g711.DecodeUlawFrame}, {pcma, g711.EncodeAlawFrame, g711.DecodeAlawFrame}} {
		for s := -32768; s <= 32767; s++ {
			if got, want := law.c.Encode(nil, []int16{int16(s)})[0], law.compress(int16(s)); got != want {
				t.Fatalf("%s: %d is encoded as %#x, not %#x", law.c.name, s, got, want)
			}
		}
		for b := range 256 {
			if got, want := law.c.Decode(nil, []byte{byte(b)})[0], law.expand(byte(b)); got != want {
				t.Fatalf("%s: %#x is decoded as %d, not %d", law.c.name, b, got, want)
			}
		}
	}
}

// TestG711AgainstTheTables compares all 256 codes of both laws with the values
// that ITU-T G.711 tables 1a to 2b give, computed here from their rule:
// segments that double in step, sign bit set for positive values, A-law with
// every other bit inverted, µ-law with all bits inverted.
func TestG711AgainstTheTables(t *testing.T) {
	ulaw := func(code int) int {
		code = ^code & 0xff
		value := (code&15*2+33)<<(code>>4&7) - 33 // 0 … 8031, 14 bits
		if code&0x80 != 0 {
			value = -value
		}
		return value * 4
	}
	alaw := func(code int) int {
		code ^= 0x55
		value, segment := code&15*2+1, code>>4&7 // 13 bits with the half step
		if segment > 0 {
			value = (value + 32) << (segment - 1)
		}
		if code&0x80 == 0 {
			value = -value
		}
		return value * 8
	}
	for _, tt := range []struct {
		name  string
		value func(int) int
	}{{"PCMU", ulaw}, {"PCMA", alaw}} {
		c, _ := Lookup(tt.name)
		for code := range 256 {
			got := c.NewDecoder().Decode(nil, []byte{byte(code)})[0]
			if int(got) != tt.value(code) {
				t.Errorf("%s %#02x: got %d, want %d", tt.name, code, got, tt.value(code))
			}
			// What a code stands for is coded as that code; µ-law has two zeros.
			back := c.NewEncoder().Encode(nil, []int16{got})[0]
			if back != byte(code) && !(tt.name == "PCMU" && code == 0x7f) {
				t.Errorf("%s %#02x: comes back as %#02x", tt.name, code, back)
			}
		}
	}
}

func TestG711KnownVectors(t *testing.T) {
	for _, tt := range []struct {
		name string
		pcm  int16
		code byte
	}{
		{"PCMU", 0, 0xff}, {"PCMU", 32767, 0x80}, {"PCMU", -32768, 0x00}, {"PCMU", 1000, 0xce},
		{"PCMA", 0, 0xd5}, {"PCMA", 32767, 0xaa}, {"PCMA", -32768, 0x2a}, {"PCMA", 1000, 0xfa},
	} {
		c, _ := Lookup(tt.name)
		if got := c.NewEncoder().Encode(nil, []int16{tt.pcm})[0]; got != tt.code {
			t.Errorf("%s %d: got %#02x, want %#02x", tt.name, tt.pcm, got, tt.code)
		}
	}
}

// TestG711NearestCode checks for every sample that no other code would be
// closer by more than the half step of rounding.
func TestG711NearestCode(t *testing.T) {
	for _, name := range []string{"PCMU", "PCMA"} {
		c, _ := Lookup(name)
		enc, dec := c.NewEncoder(), c.NewDecoder()
		for s := -32124; s <= 32124; s += 7 {
			got := int(dec.Decode(nil, enc.Encode(nil, []int16{int16(s)}))[0])
			step := max(16, abs(s)/16) // of the widest segment that s can fall into
			if abs(got-s) > step {
				t.Fatalf("%s: %d becomes %d", name, s, got)
			}
		}
	}
}

func abs(n int) int { return max(n, -n) }
